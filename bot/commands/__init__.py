"""What people can ask, written once for every platform: ``Request -> Reply`` over the warm data."""
