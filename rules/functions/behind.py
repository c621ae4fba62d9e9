"""Expressions that read closed bars alone are computed once a close."""

from __future__ import annotations

import numpy as np

from rules.evaluation.frames import Evaluate, Frame, NowFrame
from rules.evaluation.history import PRICE_FEED, Floats, Ints
from rules.functions.base import Part, is_behind, is_steady
from rules.functions.closed import kept_figures
from rules.language.scope import Ref


def kept_behind(part: Part, evaluate: Evaluate) -> Evaluate:
    """``evaluate``, found once a close where ``part`` reads closed bars of one price only: ``max(prev(x, 1), 20d)``."""
    if part.name == "" or part.has_edges or not is_behind(part) or not is_steady(part):
        return evaluate
    refs = part.typed.reads()
    ref = next(iter(refs), None)
    if len(refs) != 1 or ref is None or (ref.feed, ref.field) != (PRICE_FEED, "close"):
        return evaluate
    own = ref
    key = f"behind {part.typed.key}"

    def find(frame: NowFrame, stale: Ints) -> Floats:
        return np.broadcast_to(evaluate(_at_its_close(frame, own, stale)), (len(stale),))[None, :]

    def quick(frame: Frame) -> Floats:
        found = kept_figures(frame, own, key, find)
        return evaluate(frame) if found is None else found[0]

    return quick


def _at_its_close(frame: NowFrame, ref: Ref, lanes: Ints) -> Frame:
    """Some lanes, each at the close of its newest session, when nothing is overdue; nothing is kept there."""
    track = frame.track(ref)
    now = track.axis.close(track.column.last[track.keys[lanes]])
    members = None if frame.members is None or ref.key else frame.members.at(lanes)
    found = NowFrame(frame.history, now, len(lanes), members)
    found.settled = True
    return found
