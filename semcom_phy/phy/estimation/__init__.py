"""What pilots tell of the channel."""
