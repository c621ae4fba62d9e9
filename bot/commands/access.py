"""Who may do what: roles from the settings, checked for every command and every button."""

from __future__ import annotations

from collections.abc import Iterable
from enum import IntEnum

from adapters.chat.port import Request
from bot.settings import AccessSettings


class Role(IntEnum):
    """What somebody may do; each role includes the ones below it."""

    NOBODY = 0
    VIEWER = 1
    ANALYST = 2
    ADMIN = 3


def role_of(request: Request, access: AccessSettings) -> Role:
    """The role of who asks. A person's own entry counts anywhere; a chat's entry makes its members viewers.

    Who sits at the terminal has the settings and the data directory anyway, and is an admin.
    """
    who, where = request.user.id, request.chat.destination
    if request.platform == "console" or _named(who, access.admins):
        return Role.ADMIN
    if _named(who, access.analysts):
        return Role.ANALYST
    known = access.open or _named(who, access.viewers) or _named(where, access.chats)
    return Role.VIEWER if known else Role.NOBODY


def _named(identity: str, entries: Iterable[str]) -> bool:
    """Whether ``identity`` is listed; a topic (``telegram:-100123/7``) belongs to its chat."""
    return identity in entries or identity.partition("/")[0] in entries
