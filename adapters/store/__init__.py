"""The durable state, over the Redis protocol."""
