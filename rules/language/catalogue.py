"""Every function of the language: its parameters, the unit of its result and one line of help."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Kind = Literal["x", "series", "number", "condition", "window", "set", "calendar", "count", "event", "text", "spec"]
"""What an argument is: ``x`` a series or any numeric expression, ``series`` a name only, ``count`` a number of sessions
or bars, ``event`` what ``earnings`` and ``event`` return, ``text`` a bare or quoted word, ``spec`` a numeric expression
that may use ``it``."""


@dataclass(frozen=True, slots=True)
class Function:
    """``result`` is a unit, ``same`` (that of the first argument) or ``last`` (that of the last one)."""

    name: str
    group: str
    params: tuple[tuple[str, Kind], ...]
    result: str
    summary: str

    @property
    def signature(self) -> str:
        """How a call is written."""
        return f"{self.name}({', '.join(name for name, _ in self.params)})"


def _group(group: str, params: str, rows: str) -> list[Function]:
    parsed = tuple((name, kind) for name, _, kind in (item.partition(":") for item in params.split()))
    made = []
    for row in rows.strip().splitlines():
        name, result, summary = (part.strip() for part in row.split("|"))
        made.append(Function(name, group, parsed, "" if result == "number" else result, summary))  # type: ignore[arg-type]
    return made


_ALL = [
    *_group(
        "now, past",
        "x:series",
        """
        open | same | the open of the newest session
        high | same | the highest price of the newest session so far
        low | same | the lowest price of the newest session so far
        close | same | the close of the newest session, or the last price while it runs
        volume | number | the volume of the newest session so far
    """,
    ),
    *_group("now, past", "x:x n:count", "prev | same | the value n sessions (or bars) before the newest one"),
    *_group(
        "now, past",
        "x:x w:window",
        """
        change | difference | the newest value minus the one at the start of the window
        ret | % | the return since the start of the window
    """,
    ),
    *_group(
        "relative",
        "a:x b:x w:window",
        """
        rel | pp | the return of a minus the return of b
        beta | number | the slope of a's session returns on b's
        corr | number | the correlation of a's and b's session returns
    """,
    ),
    *_group("relative", "a:x b:x", "ratio | number | a divided by b"),
    *_group(
        "relative",
        "x:series set:set w:window",
        "rank | number | the place of x's return among those of the set, 1 is the highest",
    ),
    *_group(
        "windows",
        "x:x w:window",
        """
        sum | same | the sum over the window
        mean | same | the arithmetic mean over the window
        median | same | the median over the window
        min | same | the smallest value of the window
        max | same | the largest value of the window
        std | difference | the sample standard deviation over the window
        zscore | number | how many standard deviations the newest value lies from the window's mean
        pctrank | % | the share of the window's earlier values that lie below the newest one
        sma | same | the simple moving average
        ema | same | the exponential moving average over a fixed look-back
        rsi | number | Wilder's relative strength index, 0 to 100, over a fixed look-back
    """,
    ),
    *_group("windows", "x:series w:window", "atr | same | Wilder's average true range over a fixed look-back"),
    *_group(
        "windows",
        "condition:condition w:window",
        "count | number | in how many sessions of the window the condition held",
    ),
    *_group(
        "windows",
        "condition:condition",
        "streak | number | for how many sessions in a row, up to the newest, the condition has held; at most 250",
    ),
    *_group(
        "extremes",
        "x:x w:window",
        """
        is_high | bool | whether the newest value is above every other of the window
        is_low | bool | whether the newest value is below every other of the window
        drawdown | % | the newest value against the window's highest, at most 0
        from_high | % | how far the newest value lies below the window's highest, at least 0
    """,
    ),
    *_group(
        "edges",
        "a:x b:x",
        """
        crosses | bool | a has moved from one side of b to the other
        crosses_up | bool | a has moved from below b to above
        crosses_down | bool | a has moved from above b to below
    """,
    ),
    *_group(
        "edges",
        "x:x lo:x hi:x",
        """
        enters | bool | x has moved into the band
        exits | bool | x has moved out of the band
    """,
    ),
    *_group("edges", "condition:condition", "becomes | bool | the condition was false and is true now"),
    *_group(
        "sets",
        "set:set condition:condition",
        """
        any | bool | the condition holds for a member
        all | bool | the condition holds for every member
        count_of | number | for how many members the condition holds
    """,
    ),
    *_group(
        "sets",
        "set:set x:spec",
        """
        top | last | the highest value among the members
        mean_of | last | the mean over the members
    """,
    ),
    *_group("data", "x:series w:window", "fresh | bool | the newest figure is at most that old"),
    *_group(
        "data",
        "x:series",
        """
        age | s | how old the newest figure is
        final | bool | the newest figure is final
        revised | bool | the newest figure replaced another one
        obs_date | date | the session that the newest figure describes
    """,
    ),
    *_group("data", "x:x", "known | bool | there is a value"),
    *_group("data", "x:x y:x", "coalesce | same | x where it is known, else y"),
    *_group(
        "calendar",
        "cal:calendar",
        """
        open_now | bool | the market trades now
        session | date | the market's newest session
        to_close | s | how long until the market's next close
    """,
    ),
    *_group("calendar", "event:event", "days_until | days | the days from the local date to the event's"),
    *_group("calendar", "x:series", "earnings | date | the next earnings date of the instrument"),
    *_group("calendar", "tag:text", "event | date | the next date of the event"),
    *_group(
        "scalar",
        "x:x",
        """
        abs | same | the size without its sign
        sign | number | -1, 0 or 1
    """,
    ),
    *_group(
        "scalar",
        "x:x y:x",
        """
        min2 | same | the smaller of the two
        max2 | same | the larger of the two
    """,
    ),
    *_group("scalar", "x:x digits:number", "round | same | x rounded to that many decimal places, halves to even"),
]

FUNCTIONS: dict[str, Function] = {function.name: function for function in _ALL}

PERIODS = {
    "today": "session",
    "this_week": "week",
    "this_month": "month",
    "this_quarter": "quarter",
    "this_year": "year",
}
"""The window words that start where a period began."""
