"""From draft to archive: how a digest is reviewed, published once, and corrected.

The state of each edition is one document. A step writes the edition's files first, then commits its new state together
with the messages that tell of it, in one transaction: a crash leaves the step undone, and doing it again has the same
keys, so nobody is told twice.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path

import structlog
from pydantic import TypeAdapter

from adapters.clock import Clock
from adapters.message import Button, Message, Reader
from adapters.store.port import AlertStates, Commit, Documents, OutboxEntry, StoreUnavailable
from bot.digest import chat, formats
from bot.digest.data import DigestData
from bot.digest.document import Digest, build
from bot.digest.frame import Span
from bot.digest.layout import Layout
from bot.digest.slots import read_slots
from bot.payload import pack
from rules.calendars import Calendars
from rules.model import Lang
from rules.universe import Universe

log = structlog.get_logger()

COLLECTION = "digests"
MARKET = "XNYS"
"""The market after whose last session of the week the digest is drafted."""


Known = Callable[[datetime], Awaitable[DigestData]]
"""Reads what is known at an instant."""


class Stage(StrEnum):
    """How far an edition has come."""

    DRAFT = "draft"
    APPROVED = "approved"
    PUBLISHED = "published"


class Outcome(StrEnum):
    """What a step did, or why it did nothing."""

    DRAFTED = "drafted"
    UNCHANGED = "unchanged"
    FILLED = "filled"
    APPROVED = "approved"
    PUBLISHED = "published"
    CORRECTED = "corrected"
    NOT_DUE = "not_due"
    NO_DRAFT = "no_draft"
    NO_SUCH_SLOT = "no_such_slot"
    EMPTY_SLOTS = "empty_slots"
    NOT_PUBLISHED = "not_published"
    ALREADY_PUBLISHED = "already_published"


@dataclass(frozen=True, slots=True, kw_only=True)
class Edition:
    """One week's digest as the store keeps it. Times are UTC."""

    name: str
    """The ISO week, ``2024-W44``."""
    week_end: date
    stage: Stage = Stage.DRAFT
    drafts: int = 0
    version: int = 0
    """0 before publication, 1 when published; each correction adds one."""
    slots: Mapping[str, str] = field(default_factory=dict)
    content: str = ""
    """What the last message said, so that an unchanged draft is not sent again."""
    unfirm: int = 0
    """How many facts of the last draft were not final yet."""
    approved_by: str = ""
    published_at: datetime | None = None
    files: Mapping[Lang, tuple[str, ...]] = field(default_factory=dict)
    messages: Mapping[Lang, Message] = field(default_factory=dict)
    """The message that was published last, for the archive."""


_EDITION = TypeAdapter(Edition)


@dataclass(frozen=True, slots=True, kw_only=True)
class Timetable:
    """When a draft goes to the editors and when the digest is published, counted from the week's last close.

    Without ``unattended`` only an approved digest is published at its time.
    """

    draft_after: timedelta = timedelta(minutes=30)
    publish_after: timedelta = timedelta(hours=6)
    unattended: bool = False


class Publisher:
    """Takes a week's digest from draft to archive. One process at a time calls it; a second one does no harm."""

    def __init__(
        self,
        *,
        documents: Documents,
        states: AlertStates,
        archive: Path,
        universe: Universe,
        layout: Layout,
        calendars: Calendars,
        readers: Mapping[Lang, Reader],
        editors: Sequence[str],
        team: Sequence[str],
        timetable: Timetable | None = None,
        slots_folder: Path | None = None,
        file_formats: Sequence[str] = formats.ALL,
    ) -> None:
        """``readers`` holds whose colours and time zone the files of each language have.

        ``slots_folder`` holds analysts' words in files; what was filled in otherwise comes before them.
        """
        self._documents = documents
        self._states = states
        self._archive = archive
        self._universe = universe
        self._layout = layout
        self._calendars = calendars
        self._readers = readers
        self._editors = editors
        self._team = team
        self._timetable = timetable or Timetable()
        self._slots_folder = slots_folder
        self._formats = file_formats

    async def tick(self, known: Known, now: datetime) -> Outcome:
        """What the clock asks for at ``now``.

        A draft once the week's last session is over, a new one when figures have become final since, publication at
        its time. Data is read only when there is something to do.
        """
        span = Span.week_of(now.date() if now.weekday() < 5 else now.date() - timedelta(days=now.weekday() - 4))
        calendar = self._calendars.get(MARKET)
        last = calendar.session_on_or_before(span.last)
        if last < span.first or now < calendar.close(last) + self._timetable.draft_after:
            return Outcome.NOT_DUE
        edition = await self.edition(span.name)
        if edition is None:
            data = await known(now)
            # A store that was just opened knows nothing yet; an empty digest helps nobody.
            return await self.draft(data, span.last, now) if data.series("prices.") else Outcome.NOT_DUE
        if edition.stage is Stage.PUBLISHED:
            return Outcome.NOT_DUE
        if now < calendar.close(last) + self._timetable.publish_after:
            return await self._firmer(edition, known, now)
        if edition.stage is Stage.DRAFT and not self._timetable.unattended:
            return await self._firmer(edition, known, now)
        return await self.publish(await known(now), span.last, now)

    async def _firmer(self, edition: Edition, known: Known, now: datetime) -> Outcome:
        """Draft again once fewer facts are open than in the last draft: Friday's flows are final, say."""
        if edition.unfirm == 0:
            return Outcome.NOT_DUE
        data = await known(now)
        if len((await asyncio.to_thread(self._build, data, edition)).unfirm) >= edition.unfirm:
            return Outcome.NOT_DUE
        return await self.draft(data, edition.week_end, now)

    async def edition(self, name: str) -> Edition | None:
        """The edition of the ISO week ``name``."""
        stored = await self._documents.get(COLLECTION, name)
        return None if stored is None else _EDITION.validate_json(stored)

    async def last(self) -> Edition | None:
        """The newest published edition."""
        stored = await self._documents.all(COLLECTION)
        editions = [_EDITION.validate_json(document) for document in stored.values()]
        published = [edition for edition in editions if edition.stage is Stage.PUBLISHED]
        return max(published, key=lambda edition: edition.week_end, default=None)

    async def draft(self, data: DigestData, day: date, now: datetime) -> Outcome:
        """Send the digest of the week of ``day``, as known now, to the editors; an unchanged one isn't sent again."""
        span = Span.week_of(day)
        edition = await self.edition(span.name) or Edition(name=span.name, week_end=span.last)
        if edition.stage is Stage.PUBLISHED:
            return Outcome.ALREADY_PUBLISHED
        digest = await asyncio.to_thread(self._build, data, edition)
        content = digest.fingerprint
        if content == edition.content:
            return Outcome.UNCHANGED
        number = edition.drafts + 1
        messages, files = await asyncio.to_thread(
            self._messages, digest, edition, f"draft-{number}", _DRAFT, buttons=_buttons(span.name)
        )
        edition = replace(
            edition,
            drafts=number,
            content=content,
            unfirm=len(digest.unfirm),
            stage=Stage.DRAFT,
            approved_by="",
            files=files,
        )
        await self._commit(edition, f"digest:{span.name}:draft:{number}", messages, now, to=self._editors)
        return Outcome.DRAFTED

    async def preview(self, data: DigestData, day: date) -> Digest:
        """The digest of the week of ``day``, as known now, with the words that its slots have; nothing is sent."""
        span = Span.week_of(day)
        edition = await self.edition(span.name) or Edition(name=span.name, week_end=span.last)
        return await asyncio.to_thread(self._build, data, edition)

    async def fill(self, name: str, slot: str, text: str) -> Outcome:
        """Write an analyst's words into a slot of the draft; the next draft or the publication carries them."""
        edition = await self.edition(name)
        if edition is None:
            return Outcome.NO_DRAFT
        if edition.stage is Stage.PUBLISHED:
            return Outcome.ALREADY_PUBLISHED
        if slot not in {known.name for known in self._layout.slots}:
            return Outcome.NO_SUCH_SLOT
        await self._save(replace(edition, slots={**edition.slots, slot: text}))
        return Outcome.FILLED

    async def approve(self, name: str, who: str) -> Outcome:
        """Clear the draft for publication at its time."""
        edition = await self.edition(name)
        if edition is None:
            return Outcome.NO_DRAFT
        if edition.stage is Stage.PUBLISHED:
            return Outcome.ALREADY_PUBLISHED
        await self._save(replace(edition, stage=Stage.APPROVED, approved_by=who))
        return Outcome.APPROVED

    async def publish(self, data: DigestData, day: date, now: datetime) -> Outcome:
        """Send the digest to the team with its files, once; a required slot that is empty holds it back."""
        span = Span.week_of(day)
        edition = await self.edition(span.name)
        if edition is None:
            return Outcome.NO_DRAFT
        if edition.stage is Stage.PUBLISHED:
            return Outcome.ALREADY_PUBLISHED
        digest = await asyncio.to_thread(self._build, data, edition)
        if self._blocking(digest):
            return Outcome.EMPTY_SLOTS
        messages, files = await asyncio.to_thread(self._messages, digest, edition, "1", None)
        edition = replace(
            edition,
            stage=Stage.PUBLISHED,
            version=1,
            content=digest.fingerprint,
            published_at=now,
            files=files,
            messages=messages,
        )
        await self._commit(edition, _key(edition), messages, now, to=self._team)
        return Outcome.PUBLISHED

    async def correct(self, data: DigestData, name: str, reason: str, now: datetime) -> Outcome:
        """Publish a new version in place of the last; the message is edited and says why."""
        edition = await self.edition(name)
        if edition is None or edition.stage is not Stage.PUBLISHED:
            return Outcome.NOT_PUBLISHED
        digest = await asyncio.to_thread(self._build, data, edition)
        if digest.fingerprint == edition.content:
            return Outcome.UNCHANGED
        before, version = _key(edition), edition.version + 1
        note: dict[Lang, str] = {
            "en": f"Corrected (version {version}): {reason}",
            "zh": f"更正（第 {version} 版）：{reason}",
        }
        messages, files = await asyncio.to_thread(self._messages, digest, edition, str(version), note)
        edition = replace(edition, version=version, content=digest.fingerprint, files=files, messages=messages)
        await self._commit(edition, _key(edition), messages, now, to=self._team, edits=before)
        return Outcome.CORRECTED

    def _build(self, data: DigestData, edition: Edition) -> Digest:
        return build(
            data,
            edition.week_end,
            self._universe,
            layout=self._layout,
            calendars=self._calendars,
            slots={**self._written(edition.name), **edition.slots},
        )

    def _written(self, name: str) -> Mapping[str, str]:
        """What the slots' files say about the week ``name``."""
        return {} if self._slots_folder is None else read_slots(self._slots_folder, name, self._layout.slots)

    def _blocking(self, digest: Digest) -> bool:
        required = {slot.name for slot in self._layout.slots if slot.required}
        return not required.isdisjoint(digest.empty_slots)

    def _messages(
        self,
        digest: Digest,
        edition: Edition,
        folder: str,
        note: Mapping[Lang, str] | None,
        buttons: Mapping[Lang, Sequence[Sequence[Button]]] | None = None,
    ) -> tuple[dict[Lang, Message], dict[Lang, tuple[str, ...]]]:
        """Write the files and word the message in each language."""
        messages: dict[Lang, Message] = {}
        paths: dict[Lang, tuple[str, ...]] = {}
        for lang in self._layout.languages:
            made = formats.write(digest, self._readers[lang], self._archive / edition.name / folder, self._formats)
            paths[lang] = tuple(item.path for item in made.attachments)
            notes = [*([note[lang]] if note else []), *(made.problems if buttons else ())]
            messages[lang] = chat.message(
                digest,
                lang,
                attachments=made.attachments,
                buttons=buttons[lang] if buttons else (),
                note=" · ".join(notes),
            )
        return _both(messages), paths

    async def _save(self, edition: Edition) -> None:
        await self._documents.put(COLLECTION, edition.name, _EDITION.dump_json(edition).decode())

    async def _commit(
        self,
        edition: Edition,
        key: str,
        messages: Mapping[Lang, Message],
        now: datetime,
        *,
        to: Sequence[str],
        edits: str = "",
    ) -> None:
        document = _EDITION.dump_json(edition).decode()
        payload = pack(messages, edits=edits)
        outbox = [OutboxEntry(key, destination, payload, now) for destination in to]
        await self._states.commit(Commit(alerts={}, outbox=outbox, documents={(COLLECTION, edition.name): document}))


_DRAFT: dict[Lang, str] = {"en": "Draft for review", "zh": "草稿，待审阅"}


def _key(edition: Edition) -> str:
    return f"digest:{edition.name}:{edition.version}"


def _buttons(name: str) -> dict[Lang, tuple[tuple[Button, ...], ...]]:
    words: dict[Lang, tuple[str, str]] = {"en": ("Approve", "Publish now"), "zh": ("批准", "立即发布")}
    return {
        lang: ((Button(approve, f"digest:approve:{name}"), Button(publish, f"digest:publish:{name}")),)
        for lang, (approve, publish) in words.items()
    }


def _both(messages: dict[Lang, Message]) -> dict[Lang, Message]:
    """A reader of a language that the layout lacks gets the one there is."""
    other = next(iter(messages.values()))
    return {"en": messages.get("en", other), "zh": messages.get("zh", other)}


async def keep_time(publisher: Publisher, known: Known, clock: Clock, every: timedelta = timedelta(minutes=5)) -> None:
    """Let the clock publish, until cancelled. What fails for want of the store is tried again at the next turn."""
    while True:
        try:
            await publisher.tick(known, clock.now())
        except StoreUnavailable as error:
            log.warning("digest_waits_for_store", error=str(error))
        await clock.sleep_until(clock.now() + every)
