"""Rule files that are edited while the rules run: taken up when they are whole, told when they have a mistake."""

from __future__ import annotations

import asyncio
import hashlib
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog
from pydantic import TypeAdapter

from adapters.clock import Clock
from adapters.store.port import AlertStates, Commit, Documents, StoreUnavailable
from bot.feeding.intake import handing_in
from bot.locale import say
from bot.locale.problems import located, told
from bot.operations.start_files import content
from bot.rulebook.rulebook import RuleBook, difference
from rules.loading.loader import Loaded
from rules.model import Lang, Localized, Reason, Severity, Trace, TraceLine, Transition, TransitionKind
from rules.problems import Problem

log = structlog.get_logger()

COLLECTION, BROKEN = "rule_files", "broken"
"""The document that holds which mistakes were told, while there are any."""
RULE = "rule-files"
SETTLED = timedelta(seconds=1)
"""Files that changed are read when they have been left alone for this long: an editor may write in pieces."""
LOOK_EVERY = timedelta(seconds=1)
_SHOWN = 12
_LANGS: tuple[Lang, ...] = ("en", "zh")
_PLACED = re.compile(r"(.*?):(\d+):(\d+): (.*)", re.DOTALL)
_STANDING = TypeAdapter(list[Problem])
_Stat = tuple[int, int, int]


class Watch:
    """Notices that files say something else. Their times and sizes are looked at; content is read where those moved."""

    def __init__(self, files: Callable[[], Sequence[Path]]) -> None:
        self._files = files
        self._stats = self._stat()
        self._content = self._digest()
        self._moved: datetime | None = None

    def look(self, now: datetime) -> bool:
        """Whether the files say something else than at the last look that said so, and have settled by ``now``."""
        stats = self._stat()
        if stats != self._stats:
            self._stats, self._moved = stats, now
        if self._moved is None or now - self._moved < SETTLED:
            return False
        self._moved = None
        before, self._content = self._content, self._digest()
        return self._content != before

    def _stat(self) -> Mapping[Path, _Stat | None]:
        return {path: _stat(path) for path in self._files()}

    def _digest(self) -> str:
        digest = hashlib.sha256()
        for path in self._stats:
            digest.update(b"%s\0%s\0" % (str(path).encode(errors="replace"), content(path)))
        return digest.hexdigest()


def _stat(path: Path) -> _Stat | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


class RuleFiles:
    """Keeps the rules that run in step with their files. One process at a time does it: who evaluates the rules."""

    def __init__(self, rulebook: RuleBook, documents: Documents, states: AlertStates, clock: Clock) -> None:
        self._rulebook = rulebook
        self._documents = documents
        self._states = states
        self._clock = clock
        self._watch = Watch(lambda: rulebook.files)

    async def run(self) -> None:
        """Look every second until cancelled."""
        due = False
        while True:
            now = self._clock.now()
            try:
                if due := due or await asyncio.to_thread(self._watch.look, now):
                    await self.take_up(now)
                    due = False
            except StoreUnavailable as error:
                log.warning("store_unavailable", role="rule files", error=str(error))
            await self._clock.sleep_until(now + LOOK_EVERY)

    async def take_up(self, now: datetime) -> None:
        """Run what the files say from now on; with a mistake in them the old rules stay, and it is told once."""
        loaded = await asyncio.to_thread(self._rulebook.read)
        told = await self._told()
        if not loaded.ok:
            await self._tell_mistakes(loaded.errors, told, now)
            return
        changed = difference(self._rulebook.rules, loaded.rules)
        if not changed.is_empty:
            await self._rulebook.use(loaded)
            log.info("rules_reloaded", added=changed.added, removed=changed.removed, changed=changed.changed)
        if told:
            since = str(told["since"])
            await self._commit(_transition(since, now, Reason.DATA_BACK, _mended(loaded)), None)

    async def _told(self) -> Mapping[str, object]:
        text = await self._documents.get(COLLECTION, BROKEN)
        return json.loads(text) if text else {}

    async def _tell_mistakes(self, mistakes: Sequence[Problem], told: Mapping[str, object], now: datetime) -> None:
        """Tell mistakes unless all of them were told since the files were last in order."""
        log.error("rules_not_reloaded", mistakes=[str(problem) for problem in mistakes])
        known = {tuple(item) for item in told.get("mistakes", ())}  # type: ignore[attr-defined]
        found = {(problem.file, problem.code, problem.message) for problem in mistakes}
        since = str(told.get("since", now.isoformat()))
        document = {
            "since": since,
            "mistakes": sorted(known | found),
            "standing": _STANDING.dump_python(list(mistakes)),
        }
        transition = None if found <= known else _transition(since, now, Reason.DATA_MISSING, _broken(mistakes))
        await self._commit(transition, json.dumps(document, ensure_ascii=False))

    async def _commit(self, transition: Transition | None, broken: str | None) -> None:
        handed = handing_in([transition] if transition else [])
        await self._states.commit(Commit(alerts={}, documents={(COLLECTION, BROKEN): broken, **handed}))


async def standing_mistakes(documents: Documents) -> Sequence[Problem]:
    """The mistakes that keep the files from being taken up; empty when there are none."""
    text = await documents.get(COLLECTION, BROKEN)
    stored = json.loads(text) if text else {}
    return _STANDING.validate_python(stored["standing"]) if "standing" in stored else [*_of_old(stored)]


def _of_old(stored: Mapping[str, Any]) -> Iterator[Problem]:
    """The mistakes as an earlier version wrote them down, ``file:line:column: what``."""
    for found in map(_PLACED.fullmatch, stored.get("places", ())):
        if found:
            yield Problem(found[1], int(found[2]), int(found[3]), "", found[4])


_Words = tuple[Localized, Localized, Trace]


def _broken(mistakes: Sequence[Problem]) -> _Words:
    title: Localized = {lang: say(lang, "files.broken", count=len(mistakes)) for lang in _LANGS}
    said: Localized = {lang: "\n".join(_listed(mistakes, lang)) for lang in _LANGS}
    lines = tuple(
        TraceLine(f"{each.file}:{each.line}:{each.column}", each.message, chinese=told(each, "zh"))
        for each in mistakes[:_SHOWN]
    )
    return title, said, Trace(lines, _place(mistakes[0], "en"))


def _listed(mistakes: Sequence[Problem], lang: Lang) -> Iterator[str]:
    yield from (_place(problem, lang) for problem in mistakes[:_SHOWN])
    if len(mistakes) > _SHOWN:
        yield say(lang, "why.more", count=len(mistakes) - _SHOWN)
    yield say(lang, "reload.old_stay")


def _place(problem: Problem, lang: Lang) -> str:
    """The mistake with the file's name alone: a chat need not know the folders of the host."""
    return located(replace(problem, file=Path(problem.file).name), lang)


def _mended(loaded: Loaded) -> _Words:
    title: Localized = {lang: say(lang, "files.mended") for lang in _LANGS}
    said: Localized = {lang: say(lang, "reload.title", count=len(loaded.rules)) for lang in _LANGS}
    return title, said, Trace((), "")


def _transition(since: str, now: datetime, reason: Reason, words: _Words) -> Transition:
    title, said, trace = words
    return Transition(
        kind=TransitionKind.HEALTH,
        reason=reason,
        rule=RULE,
        rule_version="1",
        alert=f"{RULE}/{since}",
        labels={},
        at=now,
        observed_at=None,
        value=None,
        unit="",
        title=title,
        say=said,
        because=said["en"],
        severity=Severity.HEALTH,
        tags=("health",),
        group_by=(),
        trace=trace,
    )
