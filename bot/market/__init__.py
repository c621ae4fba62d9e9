"""What is known of the market, warm in memory."""
