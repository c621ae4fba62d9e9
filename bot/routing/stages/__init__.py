"""The stages of routing, one a file: each may hold an incident back, with its reason and until when."""
