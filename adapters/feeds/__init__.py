"""Sources of data: one file each, all of them a ``Feed`` or a ``Stream``."""
