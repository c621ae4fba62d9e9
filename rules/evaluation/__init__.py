"""From figures to verdicts: compiled rules over frames of the known history."""
