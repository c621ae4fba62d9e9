"""Which conditions are price levels, and the index that holds them."""
