"""What does the venue itself report for the account? Its answers read, and laid beside ours."""
