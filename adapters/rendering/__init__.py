"""From the neutral message to text, as far as platforms agree: clean, timed, aligned, shortened."""
