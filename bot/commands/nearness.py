"""How near a condition is to coming true, in words."""

from __future__ import annotations

import math
from collections.abc import Sequence

from bot.commands.context import Context
from rules.explaining.standing import Standing
from rules.model import SeriesName
from rules.numbers import percent, points, price, quantity
from rules.universe import Kind

_TINY = 0.0005


def nearness(ctx: Context, standing: Standing, *, true_too: bool = False) -> str:
    """``135.40 → 140.00: 3.4% away``; what is true already is said to be, or with ``true_too`` shown with its sides."""
    value, threshold = (_written(ctx, side, standing) for side in (standing.value, standing.threshold))
    if standing.holds and true_too:
        return f"{value} / {threshold}"
    if standing.holds:
        return ctx.say("near.true")
    if standing.holds is None or standing.distance is None:
        return ctx.say("alert.unknown")
    return ctx.say("alert.distance", value=value, threshold=threshold, away=_away(ctx, standing))


def figure(ctx: Context, value: float | None, unit: str, series: Sequence[str]) -> str:
    """A figure as it is written in the reader's language; a coin's price is known by the series that it is of."""
    if unit.partition(":")[0] == "price" and any(_is_coin(ctx, name) for name in series):
        return price(value, ctx.lang, crypto=True)
    return quantity(value, unit, ctx.lang)


def _is_coin(ctx: Context, series: str) -> bool:
    name = SeriesName.parse(series)
    item = ctx.universe.by_symbol.get(name.key) if name.feed == "prices" else None
    return item is not None and item.kind is Kind.CRYPTO


def _written(ctx: Context, value: float | None, standing: Standing) -> str:
    return figure(ctx, value, standing.unit, standing.series)


def _away(ctx: Context, standing: Standing) -> str:
    kind = standing.unit.partition(":")[0]
    distance = standing.distance or 0.0
    tiny = "<" if 0 < distance < _TINY else ""
    if tiny:
        distance = 0.001
    if kind == "money" and standing.value is not None and standing.threshold is not None:
        return quantity(abs(standing.threshold - standing.value), standing.unit, ctx.lang).removeprefix("+")
    if kind == "price":
        return tiny + percent(distance, signed=False)
    if kind in {"%", "pp", "bp"}:
        return tiny + points(distance, ctx.lang, signed=False)
    return quantity(standing.distance, standing.unit, ctx.lang)


def rank(standing: Standing | None) -> float:
    """Sorts the nearest first: what holds, then by distance, then what can't be told."""
    if standing is None:
        return math.inf
    return 0.0 if standing.holds else math.inf if standing.distance is None else standing.distance
