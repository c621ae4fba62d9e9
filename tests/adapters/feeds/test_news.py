"""Passing on what is new."""

from __future__ import annotations

from datetime import UTC, datetime

from adapters.feeds.news import OnlyNews
from adapters.feeds.port import Fault, FeedProblem, Fetched
from rules.model import Observation, Status

NOW = datetime(2026, 7, 24, 12, tzinfo=UTC)
CLOSE = datetime(2026, 7, 23, 20, tzinfo=UTC)


def figure(value: float | None, status: Status = Status.FINAL, source: str = "a", series: str = "s.k.f") -> Observation:
    """A figure of yesterday."""
    return Observation(series, CLOSE, NOW, value, status, source)


class Script:
    """A feed that answers one line after the other."""

    def __init__(self, *turns: Fetched) -> None:
        self._turns = list(turns)

    async def fetch(self, now: datetime) -> Fetched:
        """The next line."""
        return self._turns.pop(0)


async def news(*turns: tuple[Observation, ...]) -> list[tuple[Observation, ...]]:
    """What is passed on of each turn."""
    feed = OnlyNews(feed=Script(*(Fetched(turn) for turn in turns)))
    return [(await feed.fetch(NOW)).observations for _ in turns]


async def test_a_figure_is_told_once():
    """A table that is given again brings nothing."""
    assert [(figure(1.0),), ()] == await news((figure(1.0),), (figure(1.0),))


async def test_what_changes_is_told():
    """A value, a status or a source that differs is news; so is a figure that goes back to what it was."""
    turns = [
        (figure(None, Status.PENDING),),
        (figure(1.0, Status.PARTIAL),),
        (figure(1.0),),
        (figure(1.0, source="a+b"),),
        (figure(2.0, source="a+b"),),
        (figure(1.0, source="a+b"),),
    ]
    assert turns == await news(*turns)


async def test_versions_of_one_figure_stay_told():
    """A restatement beside its first version isn't told again, a third one is."""
    first, second, third = figure(1.0), figure(2.0), figure(3.0)
    told = await news((first, second), (first, second), (first, second, third))
    assert [(first, second), (), (third,)] == told


async def test_a_source_that_was_away_doesnt_repeat_itself():
    """What was told before the gap is still known after it."""
    other = figure(5.0, series="s.k.g")
    assert [(figure(1.0),), (other,), ()] == await news((figure(1.0),), (other,), (figure(1.0), other))


async def test_what_an_earlier_process_told_is_remembered():
    """By its newest version: older ones beside it are told, too; one that differs is news with all its versions."""
    first, second, other, changed = figure(1.0), figure(2.0), figure(5.0, series="s.k.g"), figure(6.0, series="s.k.g")
    feed = OnlyNews(feed=Script(Fetched((first, second, other)), Fetched((first, second, changed))))
    feed.remember([second, other])
    assert [(), (changed,)] == [(await feed.fetch(NOW)).observations for _ in range(2)]
    feed = OnlyNews(feed=Script(Fetched((first, second))))
    feed.remember([first])
    assert (first, second) == (await feed.fetch(NOW)).observations


async def test_who_answered_is_told_without_any_news():
    """A source whose table is old is well all the same."""
    feed = OnlyNews(feed=Script(*[Fetched((figure(1.0, source="a+b"),), answered=("c",))] * 2))
    assert [("c", "a", "b")] * 2 == [(await feed.fetch(NOW)).answered for _ in range(2)]


async def test_problems_are_passed_on():
    """They are of the fetch, not of a figure."""
    problem = FeedProblem("a", Fault.BLOCKED, "refused")
    feed = OnlyNews(feed=Script(Fetched(problems=(problem,)), Fetched(problems=(problem,))))
    assert [(problem,), (problem,)] == [(await feed.fetch(NOW)).problems for _ in range(2)]
