"""What expressions need of closed bars, kept until a bar closes: a tick then costs one step, whatever the window.

Only the present has it, over all lanes of a rule or some of them; a lane is computed again when one of its bars has
closed or was revised. The operations are those of the whole window, so a cached value has the same bits.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache

import numpy as np

from rules.calendars.axis import Axis
from rules.evaluation.frames import Frame, NowFrame
from rules.evaluation.history import NONE, Closed, Column, Floats, Ints
from rules.language.scope import Ref

Build = Callable[[Axis, Column, Ints, Ints], Floats]
"""From a calendar, a column, the newest session and the key of each lane: figures, one row of each, by lane."""
Found = Callable[[NowFrame, Ints], Floats]
"""Figures of some lanes of a frame, one row of each."""


def closed_figures(frame: Frame, ref: Ref, key: str, build: Build) -> Floats | None:
    """The figures of the closed bars of ``ref``, NaN in lanes that are unknown; ``None`` where nothing can be kept."""

    def find(present: NowFrame, stale: Ints) -> Floats:
        track = present.track(ref)
        keys = track.keys[stale]
        return build(track.axis, track.column, track.column.last[keys], keys)

    return kept_figures(frame, ref, key, find)


def kept_figures(frame: Frame, ref: Ref, key: str, find: Found) -> Floats | None:
    """Look at the kept figures, find those of lanes whose closed bars have changed; don't write into the result."""
    if not isinstance(frame, NowFrame) or frame.settled:
        return None
    members = frame.members
    if not ref.key and members is None:
        return None
    whole, lanes = (members, None) if members is None or members.part_of is None else members.part_of
    size = 1 if ref.key or whole is None else len(whole.symbols)
    name = (key, 0 if ref.key or whole is None else whole.number)
    kept = frame.history.closed.get(name)
    if kept is None:
        kept = frame.history.closed[name] = Closed(np.full(size, -1, np.int64), np.zeros((0, size)))
    chosen = None if lanes is None or ref.key else lanes
    _refresh(kept, chosen, frame, ref, find)
    found = kept.figures if chosen is None else kept.figures[:, chosen]
    absent = frame.absent(ref)
    return found if absent is None else np.where(absent, np.nan, found)


def _refresh(kept: Closed, chosen: Ints | None, frame: NowFrame, ref: Ref, find: Found) -> None:
    track = frame.track(ref)
    if kept.generation == track.column.generation:
        return
    versions = track.column.versions[track.keys]
    known = kept.versions if chosen is None else kept.versions[chosen]
    stale = np.flatnonzero(known != versions)
    if len(stale):
        fresh = find(frame, stale)
        if not len(kept.figures):
            kept.figures = np.full((len(fresh), len(kept.versions)), np.nan)
        places = stale if chosen is None else chosen[stale]
        kept.figures[:, places] = fresh
        kept.versions[places] = versions[stale]
    if chosen is None:
        kept.generation = track.column.generation


@lru_cache(maxsize=4096)
def _name(ref: Ref, count: int) -> str:
    return f"{ref} {count} ago"


def ago(frame: Frame, ref: Ref, count: int) -> Floats:
    """The figure ``count`` sessions before the newest, for a series whose own newest figure is the present."""
    found = closed_figures(
        frame,
        ref,
        _name(ref, count),
        lambda _axis, column, last, keys: column.gather(np.where(last == NONE, NONE, last - count), keys)[None, :],
    )
    return frame.ago(ref, count) if found is None else found[0]


def earlier_rows(column: Column, last: Ints, keys: Ints, count: int) -> Floats:
    """The ``count`` sessions before the newest of each lane, oldest first."""
    index = last[None, :] - np.arange(count, 0, -1, dtype=np.int64)[:, None]
    return column.gather(np.where(last[None, :] == NONE, NONE, index), keys)
