"""The rules that run: from files and from chat, checked, swapped and rehearsed."""
