"""From the outbox to the messengers."""
