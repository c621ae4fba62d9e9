"""How much history an expression needs, so that a fetch and a warm-up know how far to go back."""

from __future__ import annotations

from rules.language.typed import Typed, Window

_LOOK_BACK = {"ema": 5, "rsi": 10, "atr": 10}
_QUARTER = 92
"""No quarter has more sessions: that many on UTC days, 66 on an exchange."""
_LONGEST_STREAK = 250
_CHANGES = frozenset({"ret", "rel", "change", "prev", "beta", "corr", "rank"})


def sessions_needed(typed: Typed) -> int:
    """The number of sessions, the newest included, that the value follows from; at most, where calendars decide."""
    inner = max((sessions_needed(arg) for arg in typed.args), default=0)
    if typed.form == "series":
        return 1
    if typed.form != "call":
        return inner
    if typed.name == "streak":
        return inner + _LONGEST_STREAK - 1
    if typed.name in {"crosses", "crosses_up", "crosses_down", "enters", "exits", "becomes"}:
        return inner + 1
    window = next((arg.window for arg in typed.args if arg.window is not None), None)
    return inner if window is None else inner + _reach(typed.name, window)


def _reach(name: str, window: Window) -> int:
    """How many sessions before the newest one a window looks at."""
    if name in _LOOK_BACK:
        return _LOOK_BACK[name] * window.count + _QUARTER + (name != "ema")
    if window.unit == "bars":
        return 3 * window.count + 10
    if window.unit != "d":
        return window.sessions
    return window.count if name in _CHANGES else window.count - 1
