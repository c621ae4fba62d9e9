"""The rule language, its engine and lifecycle. Pure: no clock, no network, no store."""
