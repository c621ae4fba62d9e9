"""How many days in a row an asset's spot ETFs took in, or gave out, money."""

from __future__ import annotations

from dataclasses import dataclass

from bot.market.view import MarketView
from rules.model import Status


@dataclass(frozen=True, slots=True)
class Run:
    """Days in a row of one sign, ``total`` in USD; ``ended`` when the newest day is the first of the other sign."""

    days: int
    total: float
    ended: bool


def flow_run(market: MarketView, asset: str) -> Run | None:
    """The run of days that the newest complete day continues or ends; ``None`` without two such days."""
    known = [f for f in market.history(f"etf_flows.{asset}.total") if f.value and f.status is Status.FINAL]
    if len(known) < 2:
        return None
    values = [figure.value or 0.0 for figure in known]
    ended = (values[-1] > 0) != (values[-2] > 0)
    before = values[:-1] if ended else values
    same = 0
    for value in reversed(before):
        if (value > 0) != (before[-1] > 0):
            break
        same += 1
    return Run(same, sum(before[-same:]), ended)
