"""Whether a messenger would take what is to be sent, asked without sending anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the service takes us for. ``scopes`` is what the token may do, ``None`` where the service doesn't tell."""

    name: str
    scopes: frozenset[str] | None = None


class Inspector(Protocol):
    """Looks at one messenger. Both methods raise a ``DeliveryError`` that says what is in the way."""

    async def identity(self) -> Identity:
        """Who the token belongs to; ``Misconfigured`` where it is refused."""
        ...

    async def look(self, destination: str) -> None:
        """Return where a message to ``destination`` would be taken, ``DestinationGone`` where it wouldn't."""
        ...
