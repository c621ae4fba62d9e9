"""Members that come and go: an instrument belongs to its lists between two dates."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

import numpy as np

from rules.evaluation.frames import Evaluate, Frame
from rules.evaluation.history import Floats
from rules.universe import Instrument

_EPOCH = date(1970, 1, 1).toordinal()


def is_bounded(member: Instrument) -> bool:
    """Whether the instrument joined its lists, or leaves them, on some date."""
    return member.valid_from is not None or member.valid_to is not None


def while_listed(evaluate: Evaluate, members: Sequence[Instrument], outside: float) -> Evaluate:
    """``evaluate`` for members that are listed on the date of the last session that has opened, else ``outside``.

    For frames whose members have one lane each, or one a row.
    """
    bounds = {member.symbol: _bounds(member) for member in members}

    def bounded(frame: Frame) -> Floats:
        values = evaluate(frame)
        if frame.members is None:
            return values
        axis, symbols = frame.members.axis, frame.members.symbols
        today = axis.days(axis.sessions(frame.now))
        first, last = np.array([bounds[symbol] for symbol in symbols], np.int64).T
        times = frame.lanes // len(symbols)
        return np.where((np.tile(first, times) <= today) & (today <= np.tile(last, times)), values, outside)

    return bounded


def _bounds(member: Instrument) -> tuple[int, int]:
    first, last = member.valid_from or date.min, member.valid_to or date.max
    return first.toordinal() - _EPOCH, last.toordinal() - _EPOCH
