"""What windows need of closed bars, kept until a bar closes: a tick then costs one step, whatever the window's length.

Only the present has it, over all lanes of a rule or some of them; a lane is computed again when one of its bars has
closed or was revised. The additions are those of the whole window, so a cached value has the same bits.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from rules.axis import Axis
from rules.frames import Frame, NowFrame
from rules.history import NONE, Closed, Column, Floats, Ints
from rules.language.scope import Ref

Build = Callable[[Axis, Column, Ints, Ints], Floats]
"""From a calendar, a column, the newest session and the key of each lane: figures, one row of each, by lane."""


def closed_figures(frame: Frame, ref: Ref, key: str, build: Build) -> Floats | None:
    """The figures of the closed bars of ``ref``, NaN in lanes that are unknown; ``None`` where nothing can be kept."""
    if not isinstance(frame, NowFrame) or frame.settled:
        return None
    track = frame.track(ref)
    members = frame.members
    if not ref.key and members is None:
        return None
    whole, lanes = (members, None) if members is None or members.part_of is None else members.part_of
    name = (key, 0 if ref.key or whole is None else whole.number)
    size = 1 if ref.key or whole is None else len(whole.symbols)
    kept = frame.history.closed.get(name)
    if kept is None:
        kept = frame.history.closed[name] = Closed(np.full(size, -1, np.int64), np.zeros((0, size)))
    chosen = np.arange(size) if lanes is None or ref.key else lanes
    versions = track.column.versions[track.keys]
    stale = np.flatnonzero(kept.versions[chosen] != versions)
    if len(stale):
        keys = track.keys[stale]
        fresh = build(track.axis, track.column, track.column.last[keys], keys)
        if not len(kept.figures):
            kept.figures = np.full((len(fresh), size), np.nan)
        kept.figures[:, chosen[stale]] = fresh
        kept.versions[chosen[stale]] = versions[stale]
    found = kept.figures[:, chosen]
    return np.where(frame.position(ref) == NONE, np.nan, found)


def earlier_rows(column: Column, last: Ints, keys: Ints, count: int) -> Floats:
    """The ``count`` sessions before the newest of each lane, oldest first."""
    index = last[None, :] - np.arange(count, 0, -1, dtype=np.int64)[:, None]
    return column.gather(np.where(last[None, :] == NONE, NONE, index), keys)
