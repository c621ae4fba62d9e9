"""What an outbox entry carries: the message in each language, and how it hangs together with earlier ones."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from pydantic import TypeAdapter

from adapters.message import Message
from rules.model import Lang


@dataclass(frozen=True, slots=True, kw_only=True)
class Payload:
    """``edits`` and ``follows`` are keys of earlier notices at the same destination, to replace or to thread under.

    What was never delivered, or is gone by now, is neither edited nor followed: the message then stands alone and takes
    the place of what it was to edit. But a ``mark``, whose news is told by another message, is then not sent at all.
    """

    messages: Mapping[Lang, Message]
    silent: bool = False
    follows: str = ""
    edits: str = ""
    mark: bool = False


_PAYLOAD = TypeAdapter(Payload)


def pack(
    messages: Mapping[Lang, Message],
    *,
    silent: bool = False,
    follows: str = "",
    edits: str = "",
    mark: bool = False,
) -> str:
    """The payload as JSON."""
    payload = Payload(messages=dict(messages), silent=silent, follows=follows, edits=edits, mark=mark)
    return _PAYLOAD.dump_json(payload).decode()


def unpack(text: str) -> Payload:
    """The payload; raise ``ValueError`` for anything that :func:`pack` didn't write."""
    return _PAYLOAD.validate_json(text)
