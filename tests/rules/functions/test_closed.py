"""What is kept of closed bars: the same values as without keeping anything."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import numpy as np
import pytest

from rules.calendars.axis import micros
from rules.evaluation.compile import compile_typed
from rules.evaluation.frames import NowFrame
from rules.model import Observation, Status
from tests.rules.desk import at, bars, evaluate, history_for, typed


@pytest.mark.parametrize(
    "text",
    ["max(prev(NY, 1), 5d)", "sma(prev(NY, 2), 3d)", "prev(NY, 3)", "prev(prev(NY, 1), 2)", "ret(prev(NY, 1), 2d)"],
)
def test_what_closed_bars_give_is_kept_until_one_of_them_changes(text: str) -> None:
    """A tick, a revised older bar and a new session: the value is the one of a history that keeps nothing."""
    tree = typed(text)
    history, part = history_for(tree), compile_typed(tree, "test")
    closed = bars("prices.NY.close", [10, 12, 11, 9, 13, 12, 14, 10], "XNYS")
    seen = [
        *closed,
        replace(closed[5], known_at=closed[-1].known_at + timedelta(minutes=1), value=20.0),
        Observation("prices.NY.close", at("2024-01-12T15:00"), at("2024-01-12T15:00"), 11.0, Status.PARTIAL),
        Observation("prices.NY.close", at("2024-01-12T15:01"), at("2024-01-12T15:01"), 12.0, Status.PARTIAL),
    ]
    taken: list[Observation] = []
    for item in seen:
        taken.append(item)
        history.apply(item)
        now = max(item.known_at, item.at)
        frame = NowFrame(history, np.array([micros(now)]), 1)
        found = float(part.evaluate(frame)[0])
        assert found == pytest.approx(evaluate(text, taken, now), abs=0, nan_ok=True)
