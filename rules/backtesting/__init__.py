"""The past as columns: the same events as the live engine, by whole columns."""
