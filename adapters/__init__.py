"""Everything that touches the world: one SDK per file, behind the ports that stand beside it."""
