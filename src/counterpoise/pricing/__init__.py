"""What each instrument is worth, now and in every scenario."""
