"""How each person and each chat wants to be written to, as they set it: language, colours, zone, quiet hours."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from pydantic import TypeAdapter, ValidationError

from adapters.chat.port import Request
from adapters.message import Colour, Reader
from adapters.store.port import Documents
from bot.settings import DEFAULT_ZONES, default_colour
from rules.model import Lang

COLLECTION = "readers"


@dataclass(frozen=True, slots=True)
class Profile:
    """What somebody chose; ``None`` where they didn't. ``quiet`` is ``HH:MM-HH:MM`` in ``tz``, ``""`` for never."""

    lang: Lang | None = None
    colour: Literal["cn", "us", "none"] | None = None
    tz: str | None = None
    quiet: str | None = None
    loud: bool | None = None

    def over(self, default: Reader) -> Reader:
        """The reader that this profile makes of ``default``."""
        lang = self.lang or default.lang
        inherited = default.colour if lang == default.lang else default_colour(lang)
        usual = default.tz == DEFAULT_ZONES[default.lang]
        zone = self.tz or (DEFAULT_ZONES[lang] if usual else default.tz)
        return Reader(lang=lang, colour=Colour(self.colour) if self.colour else inherited, tz=zone)


_PROFILE = TypeAdapter(Profile)


class Profiles:
    """The stored profiles by identity: ``telegram:42`` for a person, ``slack:C1`` for a chat."""

    def __init__(self, documents: Documents, default: Reader) -> None:
        self._documents = documents
        self.default = default

    async def get(self, identity: str) -> Profile:
        """The profile of ``identity``; empty when there is none that can be read."""
        text = await self._documents.get(COLLECTION, identity)
        try:
            return _PROFILE.validate_json(text) if text else Profile()
        except ValidationError:
            return Profile()

    async def all(self) -> Mapping[str, Profile]:
        """Every profile that can be read, by identity."""
        found: dict[str, Profile] = {}
        for identity, text in (await self._documents.all(COLLECTION)).items():
            with contextlib.suppress(ValidationError):
                found[identity] = _PROFILE.validate_json(text)
        return found

    async def put(self, identity: str, profile: Profile) -> None:
        """Keep ``profile``."""
        await self._documents.put(COLLECTION, identity, _PROFILE.dump_json(profile, exclude_none=True).decode())

    async def reader(self, request: Request) -> Reader:
        """Who reads the answer to ``request``: the chat where others read along, else the person."""
        default = Profile(lang=lang_of(request.user.lang)).over(self.default)
        own = (await self.get(request.user.id)).over(default)
        if request.chat.kind == "direct":
            return own
        return (await self.get(request.chat.destination)).over(own)

    async def at(self, destination: str) -> Reader:
        """Who reads at ``destination``, a chat or a person."""
        return (await self.get(destination)).over(self.default)


def lang_of(tag: str) -> Lang | None:
    """The language of a tag such as ``zh-hans`` or ``en-US``; ``None`` for one that the bot doesn't speak."""
    primary = tag.partition("-")[0].casefold()
    return "zh" if primary == "zh" else "en" if primary == "en" else None
