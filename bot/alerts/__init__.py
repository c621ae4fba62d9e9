"""What an alert says: its number, words, evidence, buttons and picture."""
