"""What the implementations of functions are built from."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from rules.evaluation.frames import Evaluate, Frame
from rules.evaluation.history import NONE, PRICE_FEED, Floats, Ints
from rules.functions.closed import ago
from rules.language.catalogue import FUNCTIONS
from rules.language.scope import Ref
from rules.language.typed import Typed, Window


@dataclass(slots=True)
class Part:
    """One compiled node with its meaning and its parts."""

    typed: Typed
    args: tuple[Part, ...]
    evaluate: Evaluate
    owner: str
    source: str = ""
    """The text that the offsets of the node point into."""
    uses_it: bool = field(init=False)
    """Whether the value depends on ``it`` of the frame (not on that of a set function inside)."""
    has_edges: bool = field(init=False)
    """Whether the value depends on earlier evaluations."""

    def __post_init__(self) -> None:
        typed = self.typed
        reads_it = typed.ref is not None and not typed.ref.key
        if typed.form == "series" or typed.over_set:
            self.uses_it = reads_it and typed.form == "series"
        else:
            self.uses_it = any(arg.uses_it for arg in self.args)
        own = typed.form == "call" and FUNCTIONS[typed.name].group == "edges"
        self.has_edges = own or any(arg.has_edges for arg in self.args)

    @property
    def name(self) -> str:
        """The function's name, ``""`` for anything but a call."""
        return self.typed.name if self.typed.form == "call" else ""

    @property
    def window(self) -> Window:
        """The window of a call, or the window itself."""
        for part in (self, *self.args):
            if part.typed.window is not None:
                return part.typed.window
        raise AssertionError(f"{self.typed.key} has no window")

    @property
    def anchor(self) -> Ref | None:
        """The first series of the expression, whose calendar counts its sessions."""
        if self.typed.ref is not None:
            return self.typed.ref
        return next((found for arg in self.args if (found := arg.anchor) is not None), None)

    def walk(self) -> Iterator[Part]:
        """This part and all below it, outermost first."""
        yield self
        for arg in self.args:
            yield from arg.walk()

    def visible(self) -> Iterator[Part]:
        """This part and those below it that have a value in its own frame: nothing about the members of a list."""
        yield self
        for arg in self.args[:1] if self.typed.over_set else self.args:
            yield from arg.visible()


Builder = Callable[[Part], Evaluate]
UNKNOWN: Floats = np.array([np.nan])


_OF_THE_MOMENT = frozenset(
    {"age", "fresh", "open_now", "session", "to_close", "days_until", "earnings", "event", "revised"}
)


def is_steady(part: Part) -> bool:
    """Whether the value of a session is the same at any instant until the next one closes: one calendar, no periods."""
    refs = part.typed.reads()
    if len({ref.calendar for ref in refs}) > 1 or any(ref.feed != PRICE_FEED for ref in refs):
        return False
    for inner in part.walk():
        window = inner.typed.window
        if (
            inner.name in _OF_THE_MOMENT
            or inner.typed.over_set
            or (window is not None and window.unit not in {"d", "bars"})
        ):
            return False
    return True


def is_behind(part: Part) -> bool:
    """Whether it reads nothing of the present session: an earlier value, or a window of earlier values."""
    if part.name == "prev":
        return part.window.count >= 1
    spans = [arg.typed.form == "window" for arg in part.args[1:]]
    return bool(spans) and all(spans) and is_behind(part.args[0])


def unknown(_frame: Frame) -> Floats:
    """Nothing is known."""
    return UNKNOWN


def start_of(frame: Frame, anchor: Ref, window: Window) -> Ints:
    """The session whose close a change over ``window`` is measured from, per lane; ``NONE`` when there is none.

    A period (``this_week``) that has no figure yet has no start.
    """
    position = frame.position(anchor)
    axis = frame.track(anchor).axis
    if window.unit == "d":
        start = position - window.count
    elif window.unit == "bars":
        start = _bars_back(frame, anchor, window.count)
    elif window.is_period:
        today = axis.sessions(frame.now)
        start = today - 1 if window.unit == "session" else axis.base(window.unit, today)  # type: ignore[arg-type]
        start = np.where(position > start, start, NONE)
    else:
        start = axis.back(window.unit, window.count, position)
    return np.where((position == NONE) | (start < 0), NONE, start)


def bar_reach(count: int) -> int:
    """How many sessions are searched for ``count`` known values."""
    return 3 * count + 10


def _bars_back(frame: Frame, anchor: Ref, count: int) -> Ints:
    """The session of the ``count``-th known figure before the newest, at most ``bar_reach`` sessions back."""
    rows = bar_reach(count)
    position = frame.position(anchor)
    index = position[None, :] - np.arange(1, rows + 1, dtype=np.int64)[:, None]
    track = frame.track(anchor)
    known = ~np.isnan(track.column.gather(np.maximum(index, NONE), np.broadcast_to(track.keys, index.shape[1:])))
    reached = np.cumsum(known, axis=0) >= count
    first = np.argmax(reached, axis=0)
    return np.where(reached.any(axis=0), position - 1 - first, NONE)


def base_of(part: Part, frame: Frame, anchor: Ref, window: Window) -> Floats:
    """The value that a change over ``window`` is measured from."""
    if window.unit == "d" and part.typed.form == "series":
        return ago(frame, anchor, window.count)
    start = start_of(frame, anchor, window)
    return np.where(start == NONE, np.nan, value_at(part, frame, start))


def value_at(part: Part, frame: Frame, index: Ints) -> Floats:
    """The value of ``part`` as of the close of session ``index`` of its first series."""
    anchor = part.anchor
    if anchor is None:
        return part.evaluate(frame)
    if part.typed.form == "series":
        return frame.at(anchor, index)
    return part.evaluate(frame.earlier(anchor, index))
