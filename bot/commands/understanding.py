"""Alerts as people type them, in the rule language: ``BTC crosses 73k``, ``英伟达 跌 5%``, or an expression."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

from adapters.rendering.text import clean
from bot.commands.arguments import candidates_for, guessed, unknown_symbol
from bot.commands.context import Context
from bot.commands.errors import button
from rules.language.analysis import analyse
from rules.language.errors import ExpressionError
from rules.language.parser import parse
from rules.language.scope import Scope
from rules.language.tree import Number
from rules.problems import Problem, ProblemsFound
from rules.spec import SeriesSpec
from rules.universe import Instrument, Universe

_NAME = re.compile(r"[^\W\d]\w*(?:\.\w+)*")
_NUMBER = r"-?\$?\d[\d,_]*(?:\.\d+)?"
_AMOUNT = re.compile(rf"({_NUMBER})\s*(%|pp|bp|k|m|mn|bn|万|亿)?", re.IGNORECASE)
_UP = "up rises rise gains gain 涨 上涨 升 涨超"
_DOWN = "down falls fall drops drop loses 跌 下跌 降 跌超"
_EITHER = "moves move 涨跌 波动"
_ABOVE = "above over 突破 升破 上穿 站上 涨到 涨破 高于"
_BELOW = "below under 跌破 下穿 失守 跌到 低于"
_CROSS = "crosses cross hits reaches touches 触及 穿越 达到 到"
_FORMS: Mapping[str, str] = {
    **dict.fromkeys(_CROSS.split(), "crosses({x}, {n})"),
    **dict.fromkeys(_ABOVE.split(), "crosses_up({x}, {n})"),
    **dict.fromkeys(_BELOW.split(), "crosses_down({x}, {n})"),
    **dict.fromkeys(_UP.split(), "ret({x}, {w}) >= {n}"),
    **dict.fromkeys(_DOWN.split(), "ret({x}, {w}) <= -{n}"),
    **dict.fromkeys(_EITHER.split(), "abs(ret({x}, {w})) >= {n}"),
    **{sign: f"{{x}} {sign} {{n}}" for sign in (">", ">=", "<", "<=")},
    "≥": "{x} >= {n}",
    "≤": "{x} <= {n}",
}
_MORE_THAN_A_NAME = re.compile(r"[()<>+*/,=]")
_WINDOWS = {
    **dict.fromkeys(("1d", "today", "今日", "今天", "当日"), "1d"),
    **dict.fromkeys(("1w", "week", "本周", "周"), "this_week"),
    **dict.fromkeys(("mtd", "month", "本月"), "this_month"),
    **dict.fromkeys(("ytd", "year", "今年"), "this_year"),
}
_SCALES = {"万": 1e4, "亿": 1e8, "m": 1e6}
_VERBS = sorted(_FORMS, key=len, reverse=True)
_SHORT = re.compile(
    rf"(?P<x>.+?)\s*(?:(?<=\s)(?:crosses|cross)\s+)?(?P<verb>{'|'.join(re.escape(verb) for verb in _VERBS)})?"
    rf"\s*(?:by\s+|了)?(?P<n>{_NUMBER}\s*(?:%|pp|bp|k|mn|m|bn|万|亿)?)\s*(?P<w>\S+)?",
    re.IGNORECASE,
)


def understood(ctx: Context, text: str) -> str:
    """The expression that ``text`` means; raise ``Refusal`` for an unknown name, ``ProblemsFound`` for the rest."""
    plain = " ".join(clean(unicodedata.normalize("NFKC", text)).split())
    scope = Scope(ctx.universe, desk_series(ctx))
    mistakes = mistakes_of(plain, scope)
    if not mistakes:
        return plain
    short = _from_short_form(ctx, plain)
    if short is None:
        raise ProblemsFound(mistakes)
    left = mistakes_of(short, scope)
    if left:
        raise ProblemsFound(left)
    return short


def desk_series(ctx: Context) -> Mapping[str, SeriesSpec]:
    """The series that the desk's packs name beside prices, such as ``BTC_ETF`` and ``FNG``."""
    return {name: series for spec in ctx.rules for name, series in spec.series.items()}


def series_in(ctx: Context, when: str) -> Mapping[str, SeriesSpec]:
    """Those of the desk's series that the expression ``when`` names."""
    words = set(_NAME.findall(when))
    return {name: series for name, series in desk_series(ctx).items() if name in words}


def mistakes_of(text: str, scope: Scope) -> tuple[Problem, ...]:
    """What keeps ``text`` from being a condition of the rule language."""
    try:
        analysis = analyse(parse(text), scope, "condition")
    except ExpressionError as error:
        findings = tuple(error.errors)
    else:
        findings = () if analysis.ok else tuple(item for item in analysis.findings if item.severity == "error")
    return tuple(Problem("", 1, item.offset + 1, item.code, item.message, item.suggestion) for item in findings)


def _from_short_form(ctx: Context, text: str) -> str | None:
    match = _SHORT.fullmatch(text)
    if match is None:
        return None
    window = _WINDOWS.get((match["w"] or "1d").casefold())
    amount = _amount(match["n"])
    if window is None or amount is None:
        return None
    name = match["x"].strip()
    if _MORE_THAN_A_NAME.search(name):
        return None
    item = named(ctx, name, text)
    form = _FORMS[match["verb"].casefold()] if match["verb"] else "crosses({x}, {n})"
    if form.startswith("crosses"):
        form = _on_extremes(ctx, item, form, amount)
    if "{w}" not in form and match["w"]:
        return None
    return form.format(x=written(item, ctx.universe), n=amount, w=window)


def _on_extremes(ctx: Context, item: Instrument, form: str, amount: str) -> str:
    """A crossing of the day's running high or low, where those are known: a touch between two closes counts too."""
    last, high = (ctx.market.latest(f"prices.{item.symbol}.{field}") for field in ("close", "high"))
    if high is None or last is None or last.value is None:
        return form
    level = parse(amount)
    if form.startswith("crosses(") and isinstance(level, Number):
        form = "crosses_up({x}, {n})" if last.value < level.value else "crosses_down({x}, {n})"
    return form.replace("{x}", "high({x})" if "_up" in form else "low({x})")


def _amount(text: str) -> str | None:
    match = _AMOUNT.fullmatch(text.strip())
    if match is None:
        return None
    digits, unit = match[1].replace(",", "").replace("$", ""), (match[2] or "").casefold()
    if unit in _SCALES:
        return format(float(digits.replace("_", "")) * _SCALES[unit], ".12g")
    return digits + unit


def named(ctx: Context, name: str, text: str) -> Instrument:
    """The instrument that ``name`` means in a rule: a coin before the fund that shares its ticker.

    An unknown one is refused with buttons that set the alert ``text`` with what may have been meant.
    """
    candidates = candidates_for(name, ctx.universe)
    if candidates:
        return candidates[0]
    guesses = guessed(name, ctx.universe)
    buttons = tuple(
        choice
        for item in guesses
        for choice in button(item.symbol, "alert", text.replace(name, written(item, ctx.universe), 1))
    )
    raise unknown_symbol(name, guesses, ctx.lang, buttons)


def written(item: Instrument, universe: Universe) -> str:
    """How the rule language writes the instrument: its symbol or an alias as a plain word, else quoted."""
    for name in (item.symbol, *item.aliases):
        if _NAME.fullmatch(name) and universe.resolve(name) is item:
            return name
    return f'"{item.symbol}"'
