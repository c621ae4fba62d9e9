"""What every feed promises, whatever its source does: figures or problems, and never an exception."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from adapters.feeds.port import Fault, Fetched
from rules.model import SeriesName, Status
from tests.contracts.feed_cases import CASES, KEY, NOW, Case, World, as_reply, with_rows_shuffled
from tests.fakes.http_server import (
    FakeHttp,
    Reply,
    challenge,
    dripping,
    failing,
    gzipped,
    not_found,
    ok_json,
    ok_text,
    rate_limited,
    reset,
    running_http,
    truncated,
)
from tests.fakes.sources import client_of


@pytest.fixture
async def server() -> AsyncIterator[FakeHttp]:
    """The source."""
    async with running_http() as fake:
        yield fake


@pytest.fixture
async def world(server: FakeHttp, tmp_path: Path) -> AsyncIterator[World]:
    """What feeds are built with."""
    async with client_of(server, NOW) as http:
        made = World(http, server.base_url, tmp_path)
        yield made
        for desk in made.desks:
            desk.close()


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def case(request: pytest.FixtureRequest) -> Case:
    """Every feed in turn."""
    found: Case = request.param
    return found


async def answer(case: Case, world: World, server: FakeHttp, replies: dict[str, Reply]) -> Fetched:
    """What a new feed of ``case`` tells when its source gives ``replies``."""
    for path, reply in replies.items():
        server.route(path, reply)
    return await case.build(world).fetch(NOW)


async def test_a_good_answer_is_told_without_problems(case: Case, world: World, server: FakeHttp) -> None:
    """Figures are named, timed, known no later than the fetch, sourced, and missing only where pending."""
    fetched = await answer(case, world, server, case.replies())
    assert () == fetched.problems
    assert fetched.observations
    for each in fetched.observations:
        assert SeriesName.parse(each.series)
        assert (timedelta(0), timedelta(0)) == (each.at.utcoffset(), each.known_at.utcoffset())
        assert each.known_at <= NOW
        assert (each.value is None) == (each.status is Status.PENDING)
        assert each.source
    for event in fetched.events:
        assert event.start <= event.end
        assert (event.known_at, True) == (NOW, bool(event.source))


async def test_the_source_is_asked_for_what_is_needed_only(case: Case, world: World, server: FakeHttp) -> None:
    """One request for each document, beside Yahoo's cookie and crumb."""
    await answer(case, world, server, case.replies())
    assert sorted(case.answers) == sorted(path for path in server.paths() if path in case.answers)


FAILURES: list[tuple[str, Callable[[Reply], Reply], Fault]] = [
    ("challenge", lambda good: challenge(), Fault.BLOCKED),
    ("challenge with 200", lambda good: challenge(200), Fault.BLOCKED),
    ("forbidden", lambda good: failing(403), Fault.BLOCKED),
    ("unauthorized", lambda good: failing(401), Fault.UNAUTHORIZED),
    ("not found", lambda good: not_found(), Fault.CHANGED),
    ("too many", lambda good: rate_limited(), Fault.RATE_LIMITED),
    ("too many, wait", lambda good: rate_limited("120"), Fault.RATE_LIMITED),
    ("failing", lambda good: failing(500), Fault.UNREACHABLE),
    ("maintenance", lambda good: failing(503), Fault.UNREACHABLE),
    ("cut off", truncated, Fault.UNREACHABLE),
    ("compressed and cut off", lambda good: gzipped(good, keep=0.5), Fault.UNREACHABLE),
    ("reset", lambda good: reset(), Fault.UNREACHABLE),
    ("a page in its place", lambda good: ok_text("<!doctype html><title>Welcome</title>"), Fault.CHANGED),
    ("another document", lambda good: ok_json({"hello": "world"}), Fault.CHANGED),
]


@pytest.mark.parametrize(("fails", "fault"), [row[1:] for row in FAILURES], ids=[row[0] for row in FAILURES])
async def test_a_failure_is_told_as_what_it_is(
    case: Case, world: World, server: FakeHttp, fails: Callable[[Reply], Reply], fault: Fault
) -> None:
    """No figure comes of it, its kind says what can be done, and its words hold no secret."""
    fetched = await answer(case, world, server, {path: fails(reply) for path, reply in case.replies().items()})
    assert ((), ()) == (fetched.observations, fetched.events)
    assert {fault} == {problem.fault for problem in fetched.problems}
    assert (fault is Fault.RATE_LIMITED) == all(problem.retry_at is not None for problem in fetched.problems)
    assert KEY.get_secret_value() not in repr(fetched)


async def test_an_answer_that_never_ends_is_given_up(case: Case, world: World, server: FakeHttp) -> None:
    """A source that sends a byte now and then is unreachable after the feed's time."""
    world.timeout_s = 0.2
    async with client_of(server, NOW, timeout_s=0.2) as world.http:
        fetched = await answer(case, world, server, {path: dripping(good) for path, good in case.replies().items()})
    assert {Fault.UNREACHABLE} == {problem.fault for problem in fetched.problems}
    assert ((), ()) == (fetched.observations, fetched.events)


@pytest.mark.parametrize(
    "dressed",
    [
        gzipped,
        lambda good: Reply(200, good.body, {"Content-Type": "text/html; charset=iso-8859-1"}),
        lambda good: Reply(200, b"\xef\xbb\xbf" + good.body, {}),
    ],
    ids=["gzip", "wrong charset", "byte order mark"],
)
async def test_how_it_is_wrapped_does_not_matter(
    case: Case, world: World, server: FakeHttp, dressed: Callable[[Reply], Reply]
) -> None:
    """Compression, a wrong charset or a mark in front change nothing."""
    plain = await answer(case, world, server, case.replies())
    again = await answer(case, world, server, {path: dressed(reply) for path, reply in case.replies().items()})
    assert plain == again


async def test_order_and_repetition_do_not_matter(case: Case, world: World, server: FakeHttp) -> None:
    """Rows may come in any order, and twice."""
    plain = await answer(case, world, server, case.replies())
    shuffled = case.replies(lambda path, good: with_rows_shuffled(good, case.rows[path]) if path in case.rows else good)
    again = await answer(case, world, server, shuffled)
    assert set(plain.observations) == set(again.observations)
    assert len(plain.observations) == len(again.observations)
    assert sorted(plain.events, key=str) == sorted(again.events, key=str)
    assert () == again.problems


async def test_any_value_may_be_anything(case: Case, world: World, server: FakeHttp) -> None:
    """Whatever stands in place of a value is told or survived, never raised, and never becomes a figure."""
    for path, good in case.answers.items():
        if isinstance(good, str):
            continue
        for broken in _broken(good):
            replies = case.replies()
            replies[path] = as_reply(broken) if not isinstance(broken, str) else ok_json(broken)
            fetched = await answer(case, world, server, replies)
            for each in fetched.observations:
                assert each.value is None or abs(each.value) < 1e15


def _broken(document: Any, most: int = 14) -> Iterator[Any]:
    """``document`` with one value at a time replaced by something else, spread over the whole of it."""
    places = list(_places(document))
    step = max(1, len(places) // most)
    strange = (None, "x", [], {}, -1e300, True, [None], "2026-99-99")
    for number, place in enumerate(places[::step]):
        copy = json.loads(json.dumps(document))
        holder = copy
        for key in place[:-1]:
            holder = holder[key]
        holder[place[-1]] = strange[number % len(strange)]
        yield copy


def _places(node: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    children = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, child in children:
        yield (*path, key)
        yield from _places(child, (*path, key))
