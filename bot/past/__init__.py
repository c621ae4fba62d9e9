"""The past once more: what rules would have fired, and whether what was decided would be decided again."""
