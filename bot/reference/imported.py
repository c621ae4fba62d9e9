"""The reference week as a digest reads it."""

from __future__ import annotations

from typing import Any

from bot.digest.data import Imported, ImportedMove, ObservedData
from bot.reference import tables
from bot.reference.recording import FRIDAY, Recording


def imported() -> Imported:
    """What the report printed beside its figures."""
    printed = tables.printed()
    return Imported(
        source=str(printed["source"]),
        day=FRIDAY,
        gainers=_moves(printed["movers"]["gainers"]),
        losers=_moves(printed["movers"]["losers"]),
        header_currency={int(figure): str(code) for figure, code in printed["header_currency"].items()},
    )


def digest_data(week: Recording) -> ObservedData:
    """Everything that the recording knows at its end."""
    return ObservedData((*week.history, *week.observations), week.events, week.end, imported())


def _moves(lines: list[dict[str, Any]]) -> tuple[ImportedMove, ...]:
    return tuple(ImportedMove(line["symbol"], {"en": line["en"], "zh": line["zh"]}, line["week_pct"]) for line in lines)
