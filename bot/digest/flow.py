"""From draft to archive: how a digest is reviewed, published once, and corrected.

The state of each edition is one document. A step writes the edition's files first, then commits its new state together
with the messages that tell of it, in one transaction: a crash leaves the step undone, and doing it again has the same
keys, so nobody is told twice. Who is overtaken by somebody else decides anew on what that one left.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from enum import StrEnum
from pathlib import Path

from adapters.message import Message, Reader
from adapters.store.port import AlertStates, Documents, OutboxEntry, Overtaken
from bot.digest import chat, formats, notes
from bot.digest.brief import Brief, month_to_date
from bot.digest.data import DigestData
from bot.digest.document import Digest, build
from bot.digest.edition import Edition, Editions, Held, Stage
from bot.digest.frame import Span
from bot.digest.layout import Layout
from bot.digest.posting import entries
from bot.digest.slots import read_slots
from bot.digest.tables import WithTables, read_tables
from bot.sending.payload import pack
from rules.calendars.sessions import Calendars
from rules.model import Lang
from rules.universe import Universe

MARKET = "XNYS"
"""The market after whose last session of the week the digest is drafted."""
DRAFTED_WITHIN = timedelta(days=3)
"""So long after the week's last close it is drafted, first or again: through the weekend and Monday."""
OPEN_FOR = timedelta(days=13)
"""So long after its end a week may be written for before there is a draft of it."""
_ATTEMPTS = 5
_RECENT = 3

Inputs = Callable[[], Awaitable[str]]
"""Names what is known by now: the same text as long as nothing was added or changed."""
Known = Callable[[datetime], Awaitable[DigestData]]
"""Reads what is known at an instant."""


class Outcome(StrEnum):
    """What a step did, or why it did nothing."""

    DRAFTED = "drafted"
    REDRAFTED = "redrafted"
    """It says something else than the last draft, so it went to the editors again and not to the team."""
    UNCHANGED = "unchanged"
    FILLED = "filled"
    FILLED_LATE = "filled_late"
    """The edition is published; a correction carries the words."""
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
        tables_folder: Path | None = None,
        file_formats: Sequence[str] = formats.ALL,
        inputs: Inputs | None = None,
    ) -> None:
        """``readers`` holds whose colours and time zone the files of each language have.

        ``slots_folder`` holds analysts' words in files; what was filled in otherwise comes before them.
        ``tables_folder`` holds figures and top lists of vendors. ``inputs`` names the state of what is known: a draft
        with open figures is computed again only when that has changed, or an hour has passed.
        """
        self._inputs = inputs
        self._compared: dict[str, tuple[object, ...]] = {}
        self._editions = Editions(documents, states)
        self._archive = archive
        self._universe = universe
        self._layout = layout
        self._calendars = calendars
        self._readers = readers
        self._editors = editors
        self._team = team
        self._timetable = timetable or Timetable()
        self._slots_folder = slots_folder
        self._tables_folder = tables_folder
        self._formats = file_formats

    @property
    def layout(self) -> Layout:
        """What the digest is made of."""
        return self._layout

    async def tick(self, known: Known, now: datetime) -> Outcome:
        """What the clock asks for at ``now``, for this week and the one before, which Monday may still publish.

        A draft once the week's last session is over, a new one when figures have become final or words have changed
        since, publication at its time. Data is read only when there is something to do.
        """
        for day in (now.date() - timedelta(days=7), now.date()):
            outcome = await self._tick(Span.week_of(day), known, now)
            if outcome is not Outcome.NOT_DUE:
                return outcome
        return Outcome.NOT_DUE

    async def _tick(self, span: Span, known: Known, now: datetime) -> Outcome:
        calendar = self._calendars.get(MARKET)
        last = calendar.session_on_or_before(span.last)
        over = now - calendar.close(last)
        if last < span.first or over < self._timetable.draft_after:
            return Outcome.NOT_DUE
        edition = await self.edition(span.name)
        if edition and edition.drafts:
            return await self._go_on(edition, known, now, over)
        data = await known(now) if over < DRAFTED_WITHIN else None
        # A store that was just opened knows nothing yet; an empty digest helps nobody.
        if data is None or not data.series("prices."):
            return Outcome.NOT_DUE
        return await self.draft(data, span.last, now)

    async def _go_on(self, edition: Edition, known: Known, now: datetime, over: timedelta) -> Outcome:
        """Publish what is cleared once it is time, remind of what isn't, draft again until it is too late for that."""
        cleared, is_time = self._cleared(edition), over >= self._timetable.publish_after
        if edition.stage is Stage.PUBLISHED:
            return Outcome.NOT_DUE
        if is_time and cleared:
            span, reviewed = Span.week_of(edition.week_end), not self._timetable.unattended
            return await self._publish(await known(now), span, now, reviewed=reviewed)
        if is_time and not edition.reminded:
            return await self._decide(edition.name, lambda held: self._remind(held, now))
        return await self._fresher(edition, known, now) if over < DRAFTED_WITHIN else Outcome.NOT_DUE

    def _cleared(self, edition: Edition) -> bool:
        return self._timetable.unattended or edition.stage is Stage.APPROVED

    async def _fresher(self, edition: Edition, known: Known, now: datetime) -> Outcome:
        """Draft again once people wrote, or fewer facts are open than in the last draft: Friday's flows are final."""
        if self._words(edition) != edition.words:
            return await self.draft(await known(now), edition.week_end, now)
        if edition.unfirm == 0:
            return Outcome.NOT_DUE
        state = await self._state(now)
        if state is not None and state == self._compared.get(edition.name):
            return Outcome.NOT_DUE
        data = await known(now)
        if len((await asyncio.to_thread(self._build, data, edition)).unfirm) >= edition.unfirm:
            if state is not None:
                self._compared[edition.name] = state
            return Outcome.NOT_DUE
        return await self.draft(data, edition.week_end, now)

    async def _state(self, now: datetime) -> tuple[object, ...] | None:
        """What a digest computed at ``now`` would rest on; ``None`` where that isn't known."""
        if self._inputs is None:
            return None
        folder = self._tables_folder
        files = sorted(folder.rglob("*.csv")) if folder is not None and folder.is_dir() else []
        tables = tuple((str(path), path.stat().st_mtime_ns, path.stat().st_size) for path in files)
        return await self._inputs(), tables, now.replace(minute=0, second=0, microsecond=0)

    async def edition(self, name: str) -> Edition | None:
        """The edition of the ISO week ``name``."""
        held = await self._editions.get(name)
        return held.edition if held else None

    async def last(self) -> Edition | None:
        """The newest published edition."""
        published = [edition for edition in await self._editions.all() if edition.stage is Stage.PUBLISHED]
        return max(published, key=lambda edition: edition.week_end, default=None)

    async def recent(self) -> Sequence[Edition]:
        """The editions that may still be written for, the newest first."""
        return sorted(await self._editions.all(), key=lambda edition: edition.week_end, reverse=True)[:_RECENT]

    async def draft(self, data: DigestData, day: date, now: datetime) -> Outcome:
        """Send the digest of the week of ``day``, as known now, to the editors; an unchanged one isn't sent again."""
        span = Span.week_of(day)

        async def step(held: Held) -> Outcome:
            if held.edition.stage is Stage.PUBLISHED:
                return Outcome.ALREADY_PUBLISHED
            digest = await asyncio.to_thread(self._build, data, held.edition)
            return await self._draft(held, digest, now)

        return await self._decide(span.name, step, new=span)

    async def _draft(self, held: Held, digest: Digest, now: datetime) -> Outcome:
        before, name = held.edition, held.edition.name
        words = self._words(before)
        if digest.fingerprint == before.content:
            if words != before.words:  # said the same way elsewhere
                await self._editions.put(held, replace(before, words=words))
            return Outcome.UNCHANGED
        number = before.drafts + 1
        messages, files = await asyncio.to_thread(
            self._messages, digest, before, f"draft-{number}", notes.draft(self._layout.slots), draft=True
        )
        after = replace(
            before,
            drafts=number,
            content=digest.fingerprint,
            words=words,
            unfirm=len(digest.unfirm),
            stage=Stage.DRAFT,
            approved_by="",
            files=files,
        )
        key = f"digest:{name}:draft"
        outbox = entries(f"{key}:{number}", messages, self._editors, now)
        if before.drafts:
            # The buttons go from what somebody might otherwise approve unseen.
            gone = pack(notes.superseded(name, before.drafts), silent=True, edits=f"{key}:{before.drafts}", mark=True)
            outbox = [*(OutboxEntry(f"{key}:{before.drafts}:mark", to, gone, now) for to in self._editors), *outbox]
        await self._editions.put(held, after, outbox)
        return Outcome.DRAFTED

    async def preview(self, data: DigestData, day: date) -> Digest:
        """The digest of the week of ``day``, as known now, with the words that its slots have; nothing is sent."""
        span = Span.week_of(day)
        edition = await self.edition(span.name) or Edition(name=span.name, week_end=span.last)
        return await asyncio.to_thread(self._build, data, edition)

    async def fill(self, name: str, words: Mapping[str, str], now: datetime) -> Outcome:
        """Write an analyst's words into slots, ``""`` to empty one; the editors then get a new draft.

        A week may be written for before it is drafted. Words for a published edition wait for a correction.
        """
        span = Span.named(name)
        may_come = now.date() < span.last + OPEN_FOR and span.first <= now.date()

        async def step(held: Held) -> Outcome:
            if not words.keys() <= {known.name for known in self._layout.slots}:
                return Outcome.NO_SUCH_SLOT
            await self._editions.put(held, replace(held.edition, slots={**held.edition.slots, **words}))
            return Outcome.FILLED_LATE if held.edition.stage is Stage.PUBLISHED else Outcome.FILLED

        return await self._decide(name, step, new=span if may_come else None)

    async def words(self, day: date) -> Mapping[str, str]:
        """What the slots of the week of ``day`` hold, from files and from chat; an empty slot isn't there."""
        span = Span.week_of(day)
        return self._words(await self.edition(span.name) or Edition(name=span.name, week_end=span.last))

    async def in_work(self, now: datetime) -> Span:
        """The week that editors work on: the one before as long as its draft waits, else this one."""
        this, before = Span.week_of(now.date()), Span.week_of(now.date() - timedelta(days=7))
        waits, newer = await self.edition(before.name), await self.edition(this.name)
        return before if waits and waits.stage is not Stage.PUBLISHED and not newer else this

    def month(self, data: DigestData, day: date) -> Brief:
        """The month of ``day`` up to that day."""
        known = self._with_tables(data, Span.week_of(day))
        return month_to_date(known, self._universe, day=day, layout=self._layout, calendars=self._calendars)

    async def approve(self, name: str, who: str) -> Outcome:
        """Clear the draft for publication at its time."""

        async def step(held: Held) -> Outcome:
            if held.edition.stage is Stage.PUBLISHED:
                return Outcome.ALREADY_PUBLISHED
            if not held.edition.drafts:
                return Outcome.NO_DRAFT
            await self._editions.put(held, replace(held.edition, stage=Stage.APPROVED, approved_by=who))
            return Outcome.APPROVED

        return await self._decide(name, step)

    async def publish(self, data: DigestData, day: date, now: datetime) -> Outcome:
        """Send the digest to the team with its files, once; a required slot that is empty holds it back.

        What is published is what the last draft said: where figures or words have changed since, the editors get a new
        draft instead.
        """
        return await self._publish(data, Span.week_of(day), now, reviewed=True)

    async def _publish(self, data: DigestData, span: Span, now: datetime, *, reviewed: bool) -> Outcome:
        async def step(held: Held) -> Outcome:
            if held.edition.stage is Stage.PUBLISHED:
                return Outcome.ALREADY_PUBLISHED
            if not held.edition.drafts:
                return Outcome.NO_DRAFT
            digest = await asyncio.to_thread(self._build, data, held.edition)
            if lacking := self._lacking(digest):
                await self._hold_back(held, lacking, now)
                return Outcome.EMPTY_SLOTS
            if reviewed and digest.fingerprint != held.edition.content:
                await self._draft(held, digest, now)
                return Outcome.REDRAFTED
            return await self._send_out(held, digest, now, 1)

        return await self._decide(span.name, step)

    async def correct(self, data: DigestData, name: str, reason: str, now: datetime) -> Outcome:
        """Publish a new version in place of the last; the message is edited and says why."""

        async def step(held: Held) -> Outcome:
            if held.edition.stage is not Stage.PUBLISHED:
                return Outcome.NOT_PUBLISHED
            digest = await asyncio.to_thread(self._build, data, held.edition)
            if digest.fingerprint == held.edition.content:
                return Outcome.UNCHANGED
            return await self._send_out(held, digest, now, held.edition.version + 1, reason)

        outcome = await self._decide(name, step)
        return Outcome.NOT_PUBLISHED if outcome is Outcome.NO_DRAFT else outcome

    async def _send_out(self, held: Held, digest: Digest, now: datetime, version: int, reason: str = "") -> Outcome:
        """Publish a version; one after the first edits the message of the one before, for ``reason``."""
        before = held.edition
        note = notes.corrected(version, reason) if before.version else None
        messages, files = await asyncio.to_thread(self._messages, digest, before, str(version), note)
        after = replace(
            before,
            stage=Stage.PUBLISHED,
            version=version,
            content=digest.fingerprint,
            words=self._words(before),
            published_at=before.published_at or now,
            files=files,
            messages=messages,
        )
        edits = f"digest:{before.name}:{before.version}" if before.version else ""
        key, first = f"digest:{before.name}:{version}", f"digest:{before.name}:1"
        outbox = entries(key, messages, self._team, now, edits=edits, root=first)
        await self._editions.put(held, after, outbox)
        return Outcome.CORRECTED if before.version else Outcome.PUBLISHED

    async def _decide(self, name: str, step: Callable[[Held], Awaitable[Outcome]], new: Span | None = None) -> Outcome:
        """Do ``step`` on the edition, again where somebody else changed it meanwhile; ``new`` begins one."""
        for _ in range(_ATTEMPTS - 1):
            held = await self._held(name, new)
            try:
                return Outcome.NO_DRAFT if held is None else await step(held)
            except Overtaken:
                continue
        held = await self._held(name, new)
        return Outcome.NO_DRAFT if held is None else await step(held)

    async def _held(self, name: str, new: Span | None) -> Held | None:
        held = await self._editions.get(name)
        return Held(Edition(name=name, week_end=new.last), None) if held is None and new else held

    async def _hold_back(self, held: Held, lacking: Sequence[str], now: datetime) -> None:
        """Tell the editors what is missing, once for each set of texts."""
        titles = {slot.name: slot.title for slot in self._layout.slots}
        told = notes.held_back(held.edition.name, [(name, titles[name]) for name in lacking])
        key = f"digest:{held.edition.name}:lacks:{'+'.join(lacking)}"
        await self._editions.put(held, held.edition, entries(key, told, self._editors, now))

    async def _remind(self, held: Held, now: datetime) -> Outcome:
        """It is time, and nobody approved: say so once."""
        key = f"digest:{held.edition.name}:waits"
        told = entries(key, notes.waits(held.edition.name), self._editors, now)
        await self._editions.put(held, replace(held.edition, reminded=True), told)
        return Outcome.NOT_DUE

    def _with_tables(self, data: DigestData, span: Span) -> DigestData:
        """What is known, and what the tables' files say about the week."""
        if self._tables_folder is None:
            return data
        return WithTables(data, read_tables(self._tables_folder, span, self._universe, self._calendars))

    def _build(self, data: DigestData, edition: Edition) -> Digest:
        return build(
            self._with_tables(data, Span.week_of(edition.week_end)),
            edition.week_end,
            self._universe,
            layout=self._layout,
            calendars=self._calendars,
            slots=self._words(edition),
        )

    def _words(self, edition: Edition) -> dict[str, str]:
        """What the slots' files say about the week, and before that what was written in chat."""
        written = {} if self._slots_folder is None else read_slots(self._slots_folder, edition.name, self._layout.slots)
        return {name: text for name, text in {**written, **edition.slots}.items() if text.strip()}

    def _lacking(self, digest: Digest) -> list[str]:
        """The required slots that are empty."""
        return [slot.name for slot in self._layout.slots if slot.required and slot.name in digest.empty_slots]

    def _messages(
        self, digest: Digest, edition: Edition, folder: str, note: Mapping[Lang, str] | None, *, draft: bool = False
    ) -> tuple[dict[Lang, Message], dict[Lang, tuple[str, ...]]]:
        """Write the files and word the message in each language; a draft has buttons, and says what can't be made."""
        messages: dict[Lang, Message] = {}
        paths: dict[Lang, tuple[str, ...]] = {}
        for lang in self._layout.languages:
            made = formats.write(digest, self._readers[lang], self._archive / edition.name / folder, self._formats)
            paths[lang] = tuple(item.path for item in made.attachments)
            said = [*([note[lang]] if note else []), *(made.problems if draft else ())]
            messages[lang] = chat.message(
                digest,
                lang,
                attachments=made.attachments,
                buttons=notes.buttons(edition.name, lang) if draft else (),
                note=" · ".join(said),
            )
        return _both(messages), paths


def _both(messages: dict[Lang, Message]) -> dict[Lang, Message]:
    """A reader of a language that the layout lacks gets the one there is."""
    other = next(iter(messages.values()))
    return {"en": messages.get("en", other), "zh": messages.get("zh", other)}
