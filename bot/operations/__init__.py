"""What whoever runs Tapewatch looks at, and what the store keeps for how long."""
