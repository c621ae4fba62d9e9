"""Who is told what, together with what, when, and why not."""
