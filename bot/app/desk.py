"""What the desk follows: its instruments and its rules, as configured."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bot.settings import Settings
from rules.calendars.sessions import Calendars
from rules.engine import Engine
from rules.loading.loader import load_packs
from rules.loading.universe_file import load_universe
from rules.problems import ProblemsFound
from rules.spec import RuleSpec
from rules.universe import Universe

BUILTIN_RULES = Path(__file__).parents[2] / "rules" / "packs"


@dataclass(frozen=True, slots=True)
class Desk:
    """Instruments, calendars and the compiled rules over them."""

    universe: Universe
    calendars: Calendars
    rules: Sequence[RuleSpec]
    engine: Engine


def rule_paths(settings: Settings) -> list[Path]:
    """The shipped packs' folder and the user's files and folders."""
    return [*([BUILTIN_RULES] if settings.builtin_rules else []), *settings.rules]


def open_desk(settings: Settings) -> Desk:
    """Read universe and rules; raise ``ProblemsFound`` with every mistake in them."""
    universe = load_universe(settings.universe)
    loaded = load_packs(rule_paths(settings), universe)
    mistakes = [problem for problem in loaded.problems if not problem.warning]
    if mistakes:
        raise ProblemsFound(mistakes)
    calendars = Calendars()
    return Desk(universe, calendars, loaded.rules, Engine(loaded.rules, universe, calendars))
