"""Recording and playing back."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.clock import SteppingClock
from adapters.feeds.port import Fault, FeedProblem, Fetched
from adapters.feeds.recorded import (
    _TURN,
    RecordedFeed,
    RecordedStream,
    RecordingFeed,
    RecordingStream,
    recorded_names,
    recorded_times,
)
from rules.model import CalendarEvent, Observation, Status

NOW = datetime(2026, 7, 17, 14, 0, tzinfo=UTC)
FIGURE = Observation("prices.NVDA.close", NOW - timedelta(hours=1), NOW, 172.41, Status.PARTIAL, "yahoo")
EVENT = CalendarEvent(
    "event", "fomc", "2026-07-28", "2026-07-29", {"en": "FOMC", "zh": "美联储议息"}, NOW, tags=("fed",)
)
FULL = Fetched(
    (FIGURE, replace(FIGURE, value=None, status=Status.PENDING)),
    (EVENT,),
    (FeedProblem("yahoo", Fault.RATE_LIMITED, "429", "NVDA", NOW + timedelta(minutes=30)),),
)
SMALL = Fetched((FIGURE,))


class Scripted:
    """A feed that answers from a list."""

    def __init__(self, *answers: Fetched) -> None:
        self.answers = list(answers)

    async def fetch(self, now: datetime) -> Fetched:
        """The next answer."""
        return self.answers.pop(0)


class Line:
    """A stream of given turns."""

    def __init__(self, turns: Sequence[Fetched]) -> None:
        self.turns = turns

    async def __aiter__(self) -> AsyncIterator[Fetched]:
        """Yield them."""
        for turn in self.turns:
            yield turn


async def test_what_was_recorded_is_played_back(tmp_path: Path) -> None:
    """Figures, events and problems come back exactly, and not before their time."""
    recording = RecordingFeed(Scripted(FULL, SMALL), tmp_path / "new", "prices")
    assert [await recording.fetch(NOW), await recording.fetch(NOW + timedelta(minutes=1))] == [FULL, SMALL]
    replayed = RecordedFeed(tmp_path / "new", "prices")
    assert await replayed.fetch(NOW - timedelta(seconds=1)) == Fetched()
    assert await replayed.fetch(NOW) == FULL
    assert await replayed.fetch(NOW) == Fetched()
    assert await replayed.fetch(NOW + timedelta(hours=1)) == SMALL
    assert await replayed.fetch(NOW + timedelta(hours=2)) == Fetched()


async def test_turns_between_two_fetches_are_joined(tmp_path: Path) -> None:
    """A player that asks less often than the recorder misses nothing."""
    recording = RecordingFeed(Scripted(SMALL, FULL), tmp_path, "prices")
    for minute in range(2):
        await recording.fetch(NOW + timedelta(minutes=minute))
    fetched = await RecordedFeed(tmp_path, "prices").fetch(NOW + timedelta(hours=1))
    assert fetched.observations == (*SMALL.observations, *FULL.observations)


async def test_nothing_recorded_is_nothing(tmp_path: Path) -> None:
    """A feed that was never recorded brings nothing and fails nothing."""
    assert await RecordedFeed(tmp_path, "prices").fetch(NOW) == Fetched()


@pytest.mark.parametrize("damage", [b'["2026-07-17T14:00:0', b"\xff\xfe\n", b"{}\n", b"\n"])
async def test_a_damaged_line_is_told(tmp_path: Path, damage: bytes) -> None:
    """A torn or foreign line is left out and named; the lines around it are played."""
    path = tmp_path / "prices.jsonl"
    good = _TURN.dump_json((NOW, SMALL)) + b"\n"
    path.write_bytes(good + damage.rstrip(b"\n") + b"\n" + good)
    fetched = await RecordedFeed(tmp_path, "prices").fetch(NOW)
    assert len(fetched.observations) == 2
    assert [problem.message.partition(":")[2][:2] for problem in fetched.problems] == ["2:"]


async def test_a_stream_is_played_at_its_pace(tmp_path: Path) -> None:
    """A recorded stream comes turn by turn, each at the time at which it was read."""
    clock = SteppingClock(NOW)
    read = []
    async for turn in RecordingStream(Line([SMALL, FULL]), tmp_path, "ticks", clock):
        read.append(turn)
        clock.step_to(clock.now() + timedelta(minutes=5))
    player = SteppingClock(NOW - timedelta(hours=1))
    played = [(turn, player.now()) async for turn in RecordedStream(tmp_path, "ticks", player)]
    assert played == [(SMALL, NOW), (FULL, NOW + timedelta(minutes=5))]
    assert read == [SMALL, FULL]


@given(st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(Status), st.text('a"\\恒\n', max_size=5))
def test_every_figure_survives(value: float, status: Status, source: str) -> None:
    """Any finite figure with any source reads back as it was written, to the last bit."""
    fetched = Fetched((replace(FIGURE, value=value, status=status, source=source),))
    assert _TURN.validate_json(_TURN.dump_json((NOW, fetched))) == (NOW, fetched)


async def test_a_recording_says_what_it_holds(tmp_path: Path) -> None:
    """Names, whatever characters they have, and the time of each readable turn."""
    feed = RecordingFeed(Scripted(SMALL, SMALL), tmp_path, "prices.24/7")
    times = [NOW, NOW + timedelta(minutes=5)]
    for at in times:
        await feed.fetch(at)
    await RecordingFeed(Scripted(SMALL), tmp_path, "events").fetch(NOW)
    with (tmp_path / "prices.24%2F7.jsonl").open("ab") as file:
        file.write(b'["2026-\n\xff\n')
    assert ["events", "prices.24/7"] == recorded_names(tmp_path)
    assert times == recorded_times(tmp_path, "prices.24/7")
