"""The weekly digest, put together: its layout, its readers, its destinations, its archive."""

from __future__ import annotations

from adapters.store.port import Store
from bot.digest.flow import Publisher, Timetable
from bot.digest.layout import Layout
from bot.digest.layout_file import load_layout, shipped_layout
from bot.digest.stored import inputs
from bot.publishing.morning import MorningBrief
from bot.routing.dispatch import LANGS
from bot.settings import Settings
from rules.calendars.sessions import Calendars
from rules.problems import Problem, ProblemsFound
from rules.universe import Universe


def layout_of(settings: Settings, universe: Universe) -> Layout:
    """The configured layout, else the shipped one; raise ``ProblemsFound`` or ``OSError`` where it can't be used."""
    path = settings.digest.layout
    return shipped_layout() if path is None else load_layout(path, universe)


def layout_problems(settings: Settings, universe: Universe) -> tuple[Problem, ...]:
    """Every mistake of the configured layout."""
    try:
        layout_of(settings, universe)
    except ProblemsFound as found:
        return found.problems
    return ()


def build_publisher(settings: Settings, universe: Universe, calendars: Calendars, store: Store) -> Publisher:
    """The publisher of the desk's digest over ``store``."""
    digest = settings.digest
    return Publisher(
        documents=store.documents,
        states=store.states,
        archive=settings.home / "digests",
        universe=universe,
        layout=layout_of(settings, universe),
        calendars=calendars,
        readers={lang: settings.reader.reader(lang) for lang in LANGS},
        editors=digest.editors or settings.destinations,
        team=digest.team or settings.destinations,
        timetable=Timetable(
            draft_after=digest.draft_after, publish_after=digest.publish_after, unattended=digest.unattended
        ),
        slots_folder=digest.slots,
        tables_folder=digest.tables,
        inputs=lambda: inputs(store.bars, store.documents),
    )


def build_brief(settings: Settings, universe: Universe, calendars: Calendars, store: Store) -> MorningBrief | None:
    """The morning brief, ``None`` where it is switched off."""
    digest = settings.digest
    if not digest.brief:
        return None
    return MorningBrief(
        documents=store.documents,
        states=store.states,
        universe=universe,
        calendars=calendars,
        layout=layout_of(settings, universe),
        to=digest.brief_to or settings.destinations,
        at=digest.brief_at,
        tz=settings.reader.reader().tz,
    )
