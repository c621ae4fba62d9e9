"""Sessions, windows and schedules of exchanges."""
