"""What is known about a figure itself, and small arithmetic."""

from __future__ import annotations

import numpy as np

from rules.evaluation.frames import Evaluate, Frame
from rules.evaluation.history import NONE, STATUSES, Floats
from rules.functions.base import Builder, Part, unknown
from rules.model import Status

_FINAL = STATUSES.index(Status.FINAL)


def known(part: Part) -> Evaluate:
    """``known(x)``: never unknown itself."""
    x = part.args[0]
    return lambda frame: (~np.isnan(x.evaluate(frame))).astype(np.float64)


def final(part: Part) -> Evaluate:
    """``final(x)``: unknown without any figure, false for a figure that is pending, partial or provisional."""
    ref = part.args[0].typed.ref
    if ref is None:
        return unknown

    def evaluate(frame: Frame) -> Floats:
        track, position = frame.track(ref), frame.position(ref)
        firm = (track.column.last[track.keys] != position) | (track.column.status[track.keys] == _FINAL)
        return np.where(position == NONE, np.nan, firm.astype(np.float64))

    return evaluate


def revised(part: Part) -> Evaluate:
    """``revised(x)``."""
    ref = part.args[0].typed.ref
    if ref is None:
        return unknown

    def evaluate(frame: Frame) -> Floats:
        track, position = frame.track(ref), frame.position(ref)
        changed = (track.column.last[track.keys] == position) & track.column.revised[track.keys]
        return np.where(position == NONE, np.nan, changed.astype(np.float64))

    return evaluate


def coalesce(part: Part) -> Evaluate:
    """``coalesce(x, y)``."""
    x, y = part.args

    def evaluate(frame: Frame) -> Floats:
        first = x.evaluate(frame)
        return np.where(np.isnan(first), y.evaluate(frame), first)

    return evaluate


def obs_date(part: Part) -> Evaluate:
    """``obs_date(x)``: in days since 1970."""
    ref = part.args[0].typed.ref
    if ref is None:
        return unknown

    def evaluate(frame: Frame) -> Floats:
        position = frame.position(ref)
        return np.where(position == NONE, np.nan, frame.track(ref).axis.days(position).astype(np.float64))

    return evaluate


def absolute(part: Part) -> Evaluate:
    """``abs(x)``."""
    x = part.args[0]
    return lambda frame: np.abs(x.evaluate(frame))


def sign(part: Part) -> Evaluate:
    """``sign(x)``."""
    x = part.args[0]
    return lambda frame: np.sign(x.evaluate(frame))


def extreme_of_two(part: Part) -> Evaluate:
    """``min2 max2 (x, y)``: unknown when either is."""
    x, y = part.args
    run = np.minimum if part.name == "min2" else np.maximum
    return lambda frame: run(x.evaluate(frame), y.evaluate(frame))


def rounded(part: Part) -> Evaluate:
    """``round(x, digits)``: halves to even."""
    x, digits = part.args[0], int(max(-12, min(12, part.args[1].typed.value)))
    return lambda frame: np.round(x.evaluate(frame), digits)


BUILDERS: dict[str, Builder] = {
    "known": known,
    "final": final,
    "revised": revised,
    "coalesce": coalesce,
    "obs_date": obs_date,
    "abs": absolute,
    "sign": sign,
    "min2": extreme_of_two,
    "max2": extreme_of_two,
    "round": rounded,
}
