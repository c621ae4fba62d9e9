"""What instruments and lists are called in a message."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

from bot.commands.context import Context
from bot.locale import TEXTS
from rules.universe import Instrument, Kind, Universe

_SYNONYMS = {
    "all": "equities", "全部": "equities", "全市场": "equities",
    "港股": "hk", "hongkong": "hk", "加密": "crypto", "加密货币": "crypto", "美股": "us",
    "半导体": "semis", "芯片": "semis", "覆盖": "coverage", "矿企": "miners", "指数": "indices",
}  # fmt: skip


def ticker(item: Instrument) -> str:
    """The short form that a table starts with: ``SOX``, ``BTC``, ``0700.HK``."""
    if item.kind is Kind.CRYPTO:
        return item.symbol.partition("-")[0]
    return item.symbol.removeprefix("^")


def typed(item: Instrument, universe: Universe) -> str:
    """What to type for this instrument and no other: its short form, its symbol, or that with ``=`` before it."""
    unambiguous = (name for name in (ticker(item), item.symbol) if universe.candidates(name) == (item,))
    return next(unambiguous, f"={item.symbol}")


def lists(universe: Universe) -> Mapping[str, str]:
    """Every word that names a list, in lower case, with the list's tag."""
    return {
        **{word: tag for word, tag in _SYNONYMS.items() if tag in universe.tags},
        **{tag.casefold(): tag for tag in universe.tags},
    }


def list_name(ctx: Context, tag: str) -> str:
    """What the list ``tag`` is called."""
    return ctx.say(f"list.{tag}") if f"list.{tag}" in TEXTS[ctx.lang] else tag


def members(universe: Universe, tag: str, day: date) -> tuple[Instrument, ...]:
    """The instruments of a list on ``day`` that have a price of their own."""
    return tuple(item for item in universe.tagged(tag, day) if item.kind is not Kind.FUND)


def close_series(item: Instrument) -> str:
    """The series of an instrument's closes."""
    return f"prices.{item.symbol}.close"
