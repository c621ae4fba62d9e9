"""How the rules that people typed in chat are told from the desk's own: by the beginning of their id."""

PREFIX = "my-"
RECIPIENT = "recipient"
"""The option of a transition that names whom alone it is for."""


def is_personal(rule: str) -> bool:
    """Whether the rule called ``rule`` is somebody's own, to be sent to its subscriber alone."""
    return rule.startswith(PREFIX)
