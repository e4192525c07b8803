"""What would the venue have answered? Its own what-if requests, answered in its own shapes."""
