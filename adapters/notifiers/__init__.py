"""Messengers: one file each, all of them a ``Notifier``."""
