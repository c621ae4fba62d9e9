"""The desk's publications on the clock."""
