"""A desk's own earnings dates."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest

from adapters.feeds.earnings import Earnings
from adapters.feeds.earnings_file import EarningsFile, parse
from rules.model import Status
from tests.fakes.documents import MemoryDocuments

NOW = datetime(2026, 11, 1, tzinfo=UTC)
FILE = """\
version: 1
earnings:
  - {symbol: 0700.HK, date: 2026-11-11, when: after_close}
  - {symbol: 9988.HK, date: 2026-11-25, status: expected}
"""


async def test_own_dates_are_told(tmp_path: Path):
    """A date is confirmed unless it says that it is expected."""
    path = tmp_path / "earnings.yaml"
    path.write_text(FILE)
    fetched = await Earnings(sources=[EarningsFile(paths=[path])], documents=MemoryDocuments()).fetch(NOW)
    assert () == fetched.problems
    assert [
        ("0700.HK", "2026-11-11", "after_close", Status.FINAL, "desk"),
        ("9988.HK", "2026-11-25", "unknown", Status.PROVISIONAL, "desk"),
    ] == [(each.key, each.start, each.session, each.status, each.source) for each in fetched.events]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "e.yaml:1:1: wanted version: 1 and earnings: [ … ]"),
        ("earnings: 5\n", "e.yaml:1:11: wanted version: 1 and earnings: [ … ]"),
        ("earnings: [5]\n", "e.yaml:1:12: wanted {symbol: 0700.HK, date: 2026-11-11}"),
        (
            FILE.replace("0700.HK", "700.HK"),
            "e.yaml:3:14: symbol is '700.HK'; wanted one of the universe; did you mean 0700.HK?",
        ),
        (FILE.replace("2026-11-11", "11 Nov"), "e.yaml:3:29: date is '11 Nov'; wanted YYYY-MM-DD"),
        (
            FILE.replace("after_close", "after close"),
            "wanted before_open, after_close, during, unknown; did you mean after_close?",
        ),
        (
            FILE.replace("status:", "state:"),
            "unknown key 'state'; known are symbol, date, when, status; did you mean status?",
        ),
        (FILE.replace("symbol: 9988.HK, ", ""), "e.yaml:4:5: symbol is missing"),
    ],
)
def test_a_mistake_is_located(text: str, said: str):
    """File, line, column, and what is wanted."""
    _, problems = parse("e.yaml", text, ("0700.HK", "9988.HK"))
    assert any(said in str(problem) for problem in problems), [str(problem) for problem in problems]


def test_a_mistake_costs_its_own_entry_only():
    """The other dates of the file are used."""
    dates, problems = parse("e.yaml", FILE.replace("2026-11-25", "soon"))
    assert (["0700.HK"], 1) == ([each.symbol for each in dates], len(problems))


async def test_a_missing_file_is_told(tmp_path: Path):
    """A path that leads nowhere is a problem."""
    fetched = await EarningsFile(paths=[tmp_path / "none.yaml"]).fetch(NOW)
    assert ["none.yaml"] == [problem.subject for problem in fetched.problems]
