"""What every store must keep, run against the embedded server and against a plain Redis server."""

import asyncio
import json
import os
import shutil
import socket
import subprocess
import time
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import numpy as np
import pytest
import redis
from hypothesis import given
from hypothesis import strategies as st
from pydantic import SecretStr

from adapters.store.bars import pack, unpack
from adapters.store.embedded import open_store
from adapters.store.port import Bars, Commit, LogLine, OutboxEntry, Overtaken, alive
from adapters.store.tape import packed, unpacked
from rules.model import Observation, Status

NOW = datetime(2024, 11, 1, 20, 0, 0, 123_457, tzinfo=UTC)
DESK = "telegram:-1001234567890/42"
CHANNEL = "slack:C0123456789"


@pytest.fixture(scope="module")
def redis_url(tmp_path_factory):
    """A plain server over TCP: the one that is named, else one of our own."""
    if url := os.environ.get("TAPEWATCH_TEST_REDIS_URL"):
        yield url
        return
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        pytest.skip("no redis-server on the PATH and no TAPEWATCH_TEST_REDIS_URL")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    folder = tmp_path_factory.mktemp("redis")
    process = subprocess.Popen(
        [
            program,
            "--port",
            str(port),
            "--bind",
            "127.0.0.1",
            "--dir",
            str(folder),
            "--save",
            "",
            "--loglevel",
            "warning",
        ],
        stdout=subprocess.DEVNULL,
    )
    url = f"redis://127.0.0.1:{port}/0"
    with redis.Redis.from_url(url) as client:
        for _ in range(500):
            try:
                client.ping()
                break
            except redis.ConnectionError:
                time.sleep(0.01)
    yield url
    process.kill()
    process.wait()


@asynccontextmanager
async def opened(kind, request, tmp_path):
    if kind == "embedded":
        async with open_store(None, tmp_path) as store:
            yield store
        return
    url = request.getfixturevalue("redis_url")
    with redis.Redis.from_url(url) as client:
        for key in client.scan_iter("tw1:*", count=1000):
            client.delete(key)
    async with open_store(SecretStr(url), tmp_path) as store:
        yield store


@pytest.fixture(params=["embedded", "redis"])
async def store(request, tmp_path):
    """An empty store of each kind."""
    async with opened(request.param, request, tmp_path) as opened_store:
        yield opened_store


@pytest.fixture
def raw(store):
    """Runs a command past the store's own methods."""
    return store._link.call


def entry(key, destination=DESK, payload="{}", at=NOW):
    return OutboxEntry(key=key, destination=destination, payload=payload, created_at=at)


def seen(minute, value=1.0, series="prices.^SOX.close"):
    at = NOW + timedelta(minutes=minute)
    return Observation(series, at, at, value, Status.PARTIAL, "yahoo")


async def enqueue(store, *entries):
    await store.states.commit(Commit(alerts={}, outbox=entries))


async def claim_one(store, worker="a", now=NOW):
    claimed = await store.outbox.claim(worker, now)
    assert 1 == len(claimed)
    return claimed[0]


# The tape


async def test_tape_returns_observations_in_the_order_of_appending(store):
    """What was appended comes back unchanged and in order, each with a position to go on from."""
    first, second, third = seen(0), seen(1, None), seen(2, 0.1 + 0.2)
    await store.tape.append([first, second])
    await store.tape.append([third])
    read = await store.tape.read("0", 10)
    assert [first, second, third] == [observation for _, observation in read]
    assert [third] == [observation for _, observation in await store.tape.read(read[1][0], 10)]


async def test_tape_append_returns_the_position_after_the_last(store):
    """Nothing lies after the position that append returns."""
    position = await store.tape.append([seen(0), seen(1)])
    assert [] == await store.tape.read(position, 10)
    assert position == await store.tape.end()
    assert position == await store.tape.append([])


async def test_an_empty_tape_ends_at_the_beginning(store):
    """A tape without observations has the position that is before everything."""
    assert "0" == await store.tape.end()


async def test_tape_read_waits_for_the_next_observation(store):
    """A reader that waits gets the observation as soon as it is appended, and nothing when none comes."""
    waiting = asyncio.create_task(store.tape.read("0", 10, wait_s=5.0))
    await store.tape.append([seen(0)])
    assert [seen(0)] == [observation for _, observation in await waiting]
    assert [] == await store.tape.read(await store.tape.end(), 10, wait_s=0.01)


async def test_tape_between_selects_by_when_it_became_known(store):
    """A span includes both of its ends."""
    await store.tape.append([seen(minute) for minute in range(5)])
    found = await store.tape.between(NOW + timedelta(minutes=1), NOW + timedelta(minutes=3))
    assert [seen(1), seen(2), seen(3)] == list(found)


async def test_tape_trim_keeps_what_was_not_evaluated(store):
    """Old observations go, but never those after the engine's cursor."""
    await store.tape.append([seen(0), seen(1)])
    position = await store.tape.end()
    await store.tape.append([seen(2), seen(3)])
    assert 0 == await store.tape.trim(NOW + timedelta(days=1))
    await store.states.commit(Commit(cursor=position, alerts={}))
    assert 2 == await store.tape.trim(NOW + timedelta(days=1))
    assert [seen(2), seen(3)] == [observation for _, observation in await store.tape.read("0", 10)]


@given(
    series=st.text(max_size=20).map(lambda text: text.encode(errors="replace").decode()),
    at=st.datetimes(timezones=st.just(UTC)),
    value=st.none() | st.floats(allow_nan=False),
    status=st.sampled_from(Status),
)
def test_an_observation_survives_packing(series, at, value, status):
    """Every observation comes back bit for bit."""
    observation = Observation(series, at, at, value, status, series)
    assert observation == unpacked(packed(observation))


# Alert states, documents and the commit


async def test_commit_writes_everything_of_a_turn(store):
    """Alerts, cursor, documents and outbox entries of one turn are all there afterwards."""
    await store.states.commit(
        Commit(
            cursor="5-1",
            alerts={"sox|week 44": '{"phase":"firing"}', "btc": "{}"},
            documents={("silences", "s1"): '{"by":"李"}'},
            outbox=[entry("n1")],
            decisions=[LogLine("n0", DESK, NOW, "suppressed_silence", "s1 by 李")],
        )
    )
    assert "5-1" == await store.states.cursor()
    assert {"sox|week 44": '{"phase":"firing"}', "btc": "{}"} == await store.states.alerts()
    assert '{"by":"李"}' == await store.documents.get("silences", "s1")
    assert {DESK: 1} == await store.outbox.waiting()
    assert [LogLine("n0", DESK, NOW, "suppressed_silence", "s1 by 李")] == list(await store.outbox.log())


async def test_commit_forgets_what_is_none(store):
    """``None`` removes an alert or a document; what isn't named stays."""
    await store.states.commit(Commit(alerts={"a": "1", "b": "2"}, documents={("c", "x"): "1", ("c", "y"): "2"}))
    await store.states.commit(Commit(alerts={"a": None}, documents={("c", "x"): None}))
    assert {"b": "2"} == await store.states.alerts()
    assert {"y": "2"} == await store.documents.all("c")


@pytest.mark.parametrize("stored", [None, "theirs"])
async def test_a_commit_that_was_overtaken_writes_nothing(store, stored):
    """A document that says otherwise than expected, or is or isn't there, holds back the whole turn."""
    await store.documents.put("digests", "w", stored)
    late = Commit(
        alerts={"a": "1"},
        outbox=[entry("n1")],
        documents={("digests", "w"): "mine"},
        unchanged={("digests", "w"): "ours" if stored is None else None},
    )
    with pytest.raises(Overtaken):
        await store.states.commit(late)
    assert stored == await store.documents.get("digests", "w")
    assert ({}, {}) == (await store.states.alerts(), await store.outbox.waiting())
    await store.states.commit(replace(late, unchanged={("digests", "w"): stored}))
    assert "mine" == await store.documents.get("digests", "w")
    assert {DESK: 1} == await store.outbox.waiting()


async def test_commit_without_cursor_keeps_the_cursor(store):
    """A turn of the clock does not move the tape's cursor."""
    assert "0" == await store.states.cursor()
    await store.states.commit(Commit(cursor="7-0", alerts={}))
    await store.states.commit(Commit(alerts={}))
    assert "7-0" == await store.states.cursor()


async def test_a_large_turn_is_one_commit(store):
    """A tick that fires twenty thousand alerts is written like any other."""
    alerts = {f"alert {number}": json.dumps({"number": number}) for number in range(20_000)}
    await store.states.commit(Commit(alerts=alerts))
    assert alerts == await store.states.alerts()


@pytest.mark.parametrize(
    "text",
    ["a:b", "tw1:alerts", "空格 and space", "%41", "line\nbreak\x00zero", "{tag}", "*", "\ud800", "x" * 3000],
    ids=["colon", "own-prefix", "cjk", "percent", "control", "hash-tag", "glob", "surrogate", "long"],
)
async def test_outside_text_is_safe_in_keys_and_values(store, text):
    """A name or a text from outside reaches no key but its own, and comes back as it was."""
    readable = text.encode(errors="replace").decode()
    await store.documents.put(text, text, text)
    assert {readable: readable} == await store.documents.all(text)
    await enqueue(store, entry(text, f"slack:{text}", text))
    claimed = await claim_one(store)
    assert (readable, f"slack:{readable}", readable) == (
        claimed.entry.key,
        claimed.entry.destination,
        claimed.entry.payload,
    )
    await store.outbox.acknowledge(claimed, text, NOW)
    assert readable == await store.outbox.receipt(text, f"slack:{text}")
    assert {} == await store.outbox.waiting()


async def test_documents_are_put_and_removed(store):
    """A document is replaced by another put and removed by ``None``."""
    assert await store.documents.get("chats", "1") is None
    await store.documents.put("chats", "1", "old")
    await store.documents.put("chats", "1", "new")
    assert "new" == await store.documents.get("chats", "1")
    assert ["1"] == [*await store.documents.keys("chats")]
    await store.documents.put("chats", "1", None)
    assert {} == await store.documents.all("chats")
    assert [] == [*await store.documents.keys("chats")]


# The outbox


async def test_a_notice_is_enqueued_once_per_destination(store):
    """The same key goes once to each destination, also after it was delivered."""
    await enqueue(store, entry("n1"), entry("n1", CHANNEL))
    await enqueue(store, entry("n1"))
    assert {DESK: 1, CHANNEL: 1} == await store.outbox.waiting()
    for claimed in await store.outbox.claim("a", NOW, 10):
        await store.outbox.acknowledge(claimed, "{}", NOW)
    await enqueue(store, entry("n1"), entry("n1", CHANNEL))
    assert {} == await store.outbox.waiting()


async def test_a_lane_hands_out_its_entries_in_order(store):
    """The next entry of a destination is handed out only when the one before is done."""
    await enqueue(store, entry("n1"), entry("n2"), entry("n3"))
    keys = []
    for _ in range(3):
        claimed = await claim_one(store)
        assert [] == await store.outbox.claim("b", NOW, 10)
        keys.append(claimed.entry.key)
        await store.outbox.acknowledge(claimed, "{}", NOW)
    assert ["n1", "n2", "n3"] == keys


async def test_lanes_do_not_wait_for_each_other(store):
    """Two workers hold the heads of two destinations at the same time."""
    await enqueue(store, entry("n1"), entry("n2", CHANNEL))
    first, second = await claim_one(store, "a"), await claim_one(store, "b")
    assert {DESK, CHANNEL} == {first.entry.destination, second.entry.destination}


async def test_a_claimed_entry_comes_back_whole(store):
    """Key, destination, payload and the time of creation are what was committed, and it is the first attempt."""
    sent = entry("n1", payload='{"text":"跌 4.1%"}')
    await enqueue(store, sent)
    claimed = await claim_one(store)
    assert (sent, 1) == (claimed.entry, claimed.attempt)


async def test_a_postponed_head_holds_its_lane_until_it_is_due(store):
    """Nothing overtakes a postponed entry, and it is due at exactly the instant that was named."""
    await enqueue(store, entry("n1"), entry("n2"))
    due = NOW + timedelta(seconds=30, microseconds=1)
    await store.outbox.postpone(await claim_one(store), due, "429")
    assert [] == await store.outbox.claim("a", due - timedelta(microseconds=1), 10)
    assert due == await store.outbox.next_due()
    again = await claim_one(store, now=due)
    assert ("n1", 2) == (again.entry.key, again.attempt)


async def test_a_dead_workers_entry_is_taken_over(store):
    """An entry that is held for longer than the visibility time-out goes to another worker, once."""
    await enqueue(store, entry("n1"))
    await claim_one(store, "dead")
    assert [] == await store.outbox.claim("b", NOW + timedelta(seconds=119), 10)
    taken = await claim_one(store, "b", NOW + timedelta(seconds=120))
    assert ("n1", 2) == (taken.entry.key, taken.attempt)
    assert [] == await store.outbox.claim("c", NOW + timedelta(seconds=121), 10)


async def test_a_worker_without_a_lease_is_dead(store):
    """What it held is due at once, in doubt; what a living worker holds, or what is postponed, is left alone."""
    await enqueue(store, entry("n1"), entry("n2", CHANNEL), entry("n3", "slack:C2"))
    later = NOW + timedelta(hours=1)
    (living,) = await store.outbox.claim("host:1 living", NOW)
    (dead,) = await store.outbox.claim("host:2 dead", NOW)
    await store.outbox.postpone(await claim_one(store, "host:2 dead"), later, "429")
    assert 0 == await store.outbox.take_over(NOW)
    await store.leases.release(alive("host:2 dead"), "host:2 dead")
    assert 1 == await store.outbox.take_over(NOW)
    assert 0 == await store.outbox.take_over(NOW)
    taken = await claim_one(store, "host:3")
    assert (dead.entry, 2, True) == (taken.entry, taken.attempt, taken.in_doubt)
    await store.outbox.acknowledge(living, "{}", NOW)


async def test_a_worker_that_is_known_to_be_dead_is_not_waited_for(store):
    """Its lease would have lasted a while longer."""
    await enqueue(store, entry("n1"), entry("n2", CHANNEL))
    (dead,) = await store.outbox.claim("host:1 dead", NOW)
    await store.outbox.claim("host:2", NOW)
    assert 1 == await store.outbox.take_over(NOW, lambda worker: worker == "host:1 dead")
    assert dead.entry == (await claim_one(store, "host:3")).entry


async def test_a_worker_taken_for_dead_cannot_postpone_or_bury(store):
    """What another worker holds by now is that worker's alone to give back."""
    await enqueue(store, entry("n1"))
    stale = await claim_one(store, "slow")
    held = await claim_one(store, "b", NOW + timedelta(seconds=120))
    await store.outbox.postpone(stale, NOW, "late")
    await store.outbox.bury(stale, "late", NOW)
    assert [] == await store.outbox.claim("c", NOW + timedelta(seconds=121), 10)
    assert [] == list(await store.outbox.dead())
    await store.outbox.acknowledge(held, "{}", NOW)
    assert {} == await store.outbox.waiting()


async def test_a_late_acknowledgement_counts_and_a_second_one_is_logged(store):
    """Accepted is accepted, whoever says so; that it was accepted twice can be seen in the log."""
    await enqueue(store, entry("n1"), entry("n2"))
    stale = await claim_one(store, "slow")
    held = await claim_one(store, "b", NOW + timedelta(seconds=120))
    await store.outbox.acknowledge(stale, '{"id":1}', NOW)
    following = await claim_one(store, "c", NOW + timedelta(seconds=121))
    await store.outbox.acknowledge(held, '{"id":2}', NOW)
    assert "n2" == following.entry.key
    assert [] == await store.outbox.claim("d", NOW + timedelta(seconds=122), 10)
    assert ["sent_again", "sent"] == [line.outcome for line in await store.outbox.log(key="n1")]
    assert '{"id":1}' == await store.outbox.receipt("n1", DESK)


async def test_a_lane_without_tokens_is_not_handed_out(store):
    """It comes when its tokens are near, as the first attempt, without doubt and without a line in the log."""
    await enqueue(store, entry("n1"), entry("n2", CHANNEL))
    await store.rate_limits.block("desk", NOW + timedelta(seconds=30))

    def limits(destination):
        return {"desk": (1.0, 1.0)} if destination == DESK else {}

    found = await store.outbox.claim("a", NOW, 10, limits=limits, within_s=2.0)
    assert [(CHANNEL, 0.0)] == [(item.entry.destination, item.wait_s) for item in found]
    assert NOW + timedelta(seconds=29) == await store.outbox.next_due()
    (near,) = await store.outbox.claim("a", NOW + timedelta(seconds=29), 10, limits=limits, within_s=2.0)
    assert (1, False, 1.0) == (near.attempt, near.in_doubt, near.wait_s)
    assert [] == list(await store.outbox.log())


async def test_tokens_are_taken_for_what_is_handed_out(store):
    """Of three destinations that share a bucket of two tokens, the third waits for the next."""
    await enqueue(store, *(entry("n1", f"slack:C{number}") for number in range(3)))

    def limits(_destination):
        return {"all": (1.0, 2.0)}

    assert 2 == len(await store.outbox.claim("a", NOW, 10, limits=limits))
    assert NOW + timedelta(seconds=1) == await store.outbox.next_due()
    assert 1 == len(await store.outbox.claim("a", NOW + timedelta(seconds=1), 10, limits=limits))


async def test_many_lanes_without_tokens_hide_none_that_has_them(store):
    """However many destinations wait for their service, another one's message goes out at once."""
    await enqueue(store, *(entry("n1", f"slack:C{number}") for number in range(300)), entry("n1", "telegram:1"))
    await store.rate_limits.block("slack", NOW + timedelta(hours=1))

    def limits(destination):
        return {"slack": (1.0, 1.0)} if destination.startswith("slack") else {}

    (found,) = await store.outbox.claim("a", NOW, 1, limits=limits)
    assert "telegram:1" == found.entry.destination


async def test_an_acknowledgement_blocks_buckets(store):
    """The next message may follow no sooner than that."""
    await enqueue(store, entry("n1"))
    until = NOW + timedelta(seconds=5)
    await store.outbox.acknowledge(await claim_one(store), "{}", NOW, blocked={"desk": until})
    assert 4.0 == await store.rate_limits.take({"desk": (1.0, 1.0)}, NOW + timedelta(seconds=1))


async def test_an_unknown_outcome_is_in_doubt_ever_after(store):
    """A later attempt that was refused for certain does not settle whether the earlier one arrived."""
    await enqueue(store, entry("n1"), entry("n2"))
    first = await claim_one(store)
    await store.outbox.postpone(first, NOW, "429")
    second = await claim_one(store)
    await store.outbox.postpone(second, NOW, "timed out", accepted="unknown")
    third = await claim_one(store)
    await store.outbox.postpone(third, NOW, "429")
    fourth = await claim_one(store)
    await store.outbox.postpone(fourth, NOW, "timed out", accepted="unknown")
    fifth = await claim_one(store)
    assert [(False, 0), (False, 0), (True, 1), (True, 1), (True, 2)] == [
        (item.in_doubt, item.unanswered) for item in (first, second, third, fourth, fifth)
    ]
    await store.outbox.acknowledge(fifth, "{}", NOW)
    assert not (await claim_one(store)).in_doubt


async def test_what_a_dead_worker_held_is_in_doubt(store):
    """Nobody knows whether it was sent before its worker died."""
    await enqueue(store, entry("n1"))
    await claim_one(store, "dead")
    assert (await claim_one(store, "b", NOW + timedelta(seconds=120))).in_doubt


async def test_an_entry_moves_to_another_destination(store):
    """It goes to the end of the other lane with its key, once, and its own lane goes on."""
    later = NOW + timedelta(seconds=1)
    await enqueue(store, entry("n1"), entry("n2"), entry("n3", CHANNEL, at=later))
    await store.outbox.move(await claim_one(store), CHANNEL, NOW)
    assert {DESK: 1, CHANNEL: 2} == await store.outbox.waiting()
    await enqueue(store, entry("n1", CHANNEL))
    assert {DESK: 1, CHANNEL: 2} == await store.outbox.waiting()
    assert ("moved", CHANNEL) == ((await store.outbox.log())[0].outcome, (await store.outbox.log())[0].detail)
    keys = []
    for _ in range(2):
        claimed = next(item for item in await store.outbox.claim("a", later, 2) if item.entry.destination == CHANNEL)
        keys.append(claimed.entry.key)
        await store.outbox.acknowledge(claimed, "{}", later)
    assert ["n3", "n1"] == keys


async def test_a_buried_entry_is_a_dead_letter_and_frees_its_lane(store):
    """A dead letter says why and after how many attempts; what waits behind it goes on."""
    await enqueue(store, entry("n1"), entry("n2"))
    await store.outbox.bury(await claim_one(store), "message is too long", NOW)
    (letter,) = await store.outbox.dead()
    assert (entry("n1"), "message is too long", NOW, 1) == (letter.entry, letter.why, letter.at, letter.attempts)
    assert "n2" == (await claim_one(store)).entry.key


async def test_a_dropped_entry_is_done_with(store):
    """It is neither sent nor dead, the log says why, and its lane goes on."""
    await enqueue(store, entry("n1"), entry("n2"))
    await store.outbox.drop(await claim_one(store), "nothing to mark", NOW)
    assert LogLine("n1", DESK, NOW, "dropped", "nothing to mark", 1) == (await store.outbox.log())[0]
    assert [] == list(await store.outbox.dead())
    assert "n2" == (await claim_one(store)).entry.key


async def test_a_dead_letter_is_retried_at_the_end_of_its_lane(store):
    """A retried letter waits like a new entry and is no dead letter any more."""
    await enqueue(store, entry("n1"), entry("n2"))
    await store.outbox.bury(await claim_one(store), "archived", NOW)
    (letter,) = await store.outbox.dead()
    assert await store.outbox.retry(letter.id, NOW)
    assert not await store.outbox.retry(letter.id, NOW)
    assert [] == list(await store.outbox.dead())
    for key in ("n2", "n1"):
        claimed = await claim_one(store)
        assert (key, 1) == (claimed.entry.key, claimed.attempt)
        await store.outbox.acknowledge(claimed, "{}", NOW)


async def test_a_dead_letter_is_retried_into_an_empty_lane(store):
    """A lane that had been cleared away is opened again."""
    await enqueue(store, entry("n1"))
    await store.outbox.bury(await claim_one(store), "archived", NOW)
    (letter,) = await store.outbox.dead()
    assert await store.outbox.retry(letter.id, NOW)
    assert "n1" == (await claim_one(store)).entry.key


async def test_a_dead_letter_can_be_discarded(store):
    """A discarded letter can't be retried; the log says why it was discarded."""
    await enqueue(store, entry("n1"))
    await store.outbox.bury(await claim_one(store), "archived", NOW)
    (letter,) = await store.outbox.dead()
    assert await store.outbox.discard(letter.id, "out of date", NOW)
    assert not await store.outbox.discard(letter.id, "again", NOW)
    (line, _) = await store.outbox.log()
    assert ("n1", "dropped", "out of date") == (line.key, line.outcome, line.detail)
    assert not await store.outbox.retry(letter.id, NOW)


async def test_the_log_tells_the_whole_way_of_a_notice(store):
    """Newest first: sent after it was postponed; the receipt can be looked up."""
    await enqueue(store, entry("n1"), entry("other", CHANNEL))
    first = next(claimed for claimed in await store.outbox.claim("a", NOW, 2) if claimed.entry.key == "n1")
    await store.outbox.postpone(first, NOW + timedelta(seconds=1), "429")
    again = await claim_one(store, now=NOW + timedelta(seconds=1))
    await store.outbox.acknowledge(again, '{"message_id":"7"}', NOW + timedelta(seconds=2))
    assert [
        LogLine("n1", DESK, NOW + timedelta(seconds=2), "sent", '{"message_id":"7"}', 2),
        LogLine("n1", DESK, NOW + timedelta(seconds=1), "postponed", "429", 1),
    ] == list(await store.outbox.log(key="n1"))
    assert '{"message_id":"7"}' == await store.outbox.receipt("n1", DESK)
    assert "" == await store.outbox.receipt("other", CHANNEL)
    assert await store.outbox.receipt("unknown", DESK) is None


async def test_nothing_is_due_in_an_empty_outbox(store):
    """An empty outbox has no next instant and nothing to claim."""
    assert await store.outbox.next_due() is None
    assert [] == await store.outbox.claim("a", NOW, 10)


async def test_wait_returns_when_something_was_enqueued(store):
    """A sender that waits is woken by a commit, and not twice by the same one."""
    await enqueue(store, entry("n1"))
    assert await store.outbox.wait(5.0)
    assert not await store.outbox.wait(0.01)


async def test_trimming_forgets_old_deliveries_alone(store):
    """Old lines go and their keys may be used again; a notice that still waits stays known however old it is."""
    await enqueue(store, entry("old"), entry("waits", CHANNEL))
    claimed = next(item for item in await store.outbox.claim("a", NOW, 2) if item.entry.key == "old")
    await store.outbox.acknowledge(claimed, "{}", NOW)
    await enqueue(store, entry("new"))
    await store.outbox.acknowledge(await claim_one(store), "{}", NOW + timedelta(days=9))
    assert 1 == await store.outbox.trim(NOW + timedelta(days=8))
    assert ["new"] == [line.key for line in await store.outbox.log()]
    await enqueue(store, entry("old"), entry("waits", CHANNEL), entry("new"))
    assert {DESK: 1, CHANNEL: 1} == await store.outbox.waiting()


# Leases and rate limits


async def test_a_lease_has_one_holder(store):
    """A lease is renewed by its holder and refused to others until it is given back."""
    assert await store.leases.acquire("engine", "a", 30)
    assert await store.leases.acquire("engine", "a", 30)
    assert not await store.leases.acquire("engine", "b", 30)
    await store.leases.release("engine", "b")
    assert not await store.leases.acquire("engine", "b", 30)
    await store.leases.release("engine", "a")
    assert await store.leases.acquire("engine", "b", 30)


async def test_a_lease_is_taken_from_a_holder_who_is_known_to_be_dead(store):
    """Only while that one still holds it, so that two who saw the death don't both lead."""
    await store.leases.acquire("engine", "a", 30)
    assert not await store.leases.take_over("engine", "b", 30, dead="somebody else")
    assert await store.leases.take_over("engine", "b", 30, dead="a")
    assert not await store.leases.take_over("engine", "c", 30, dead="a")
    assert (await store.leases.holder("engine"), await store.leases.holder("scheduler")) == ("b", None)
    await store.leases.release("engine", "b")
    assert not await store.leases.take_over("engine", "c", 30, dead="b")


async def test_a_lease_ends_by_itself(store):
    """A holder that stopped renewing loses the lease."""
    assert await store.leases.acquire("engine", "dead", 0.001)
    tries = [await store.leases.acquire("engine", "b", 30) for _ in range(50)]
    assert tries[-1]


async def test_a_bucket_hands_out_its_burst_and_then_its_rate(store):
    """Three at once, then one every half second."""
    bucket = {"telegram": (2.0, 3.0)}
    assert [0.0, 0.0, 0.0, 0.5] == [await store.rate_limits.take(bucket, NOW) for _ in range(4)]
    assert 0.25 == await store.rate_limits.take(bucket, NOW + timedelta(seconds=0.25))
    assert 0.0 == await store.rate_limits.take(bucket, NOW + timedelta(seconds=0.5))
    assert 0.5 == await store.rate_limits.take(bucket, NOW + timedelta(seconds=0.5))


async def test_tokens_are_taken_from_all_buckets_or_from_none(store):
    """The wait is the longest one, and a bucket that had a token keeps it."""
    await store.rate_limits.take({"chat": (1.0, 1.0)}, NOW)
    assert 1.0 == await store.rate_limits.take({"all": (30.0, 1.0), "chat": (1.0, 1.0)}, NOW)
    assert 0.0 == await store.rate_limits.take({"all": (30.0, 1.0)}, NOW)


async def test_a_blocked_bucket_hands_out_nothing_until_then(store):
    """What the service said is obeyed; an earlier block does not shorten a later one."""
    bucket = {"chat": (1.0, 5.0)}
    await store.rate_limits.block("chat", NOW + timedelta(seconds=20))
    await store.rate_limits.block("chat", NOW + timedelta(seconds=5))
    assert 20.0 == await store.rate_limits.take(bucket, NOW)
    assert 0.0 == await store.rate_limits.take(bucket, NOW + timedelta(seconds=20))


async def test_tokens_can_be_taken_in_advance(store):
    """Within the horizon each caller gets its own instant; beyond it nothing is taken."""
    bucket = {"chat": (2.0, 1.0)}
    assert [0.0, 0.5, 1.0, 1.5] == [await store.rate_limits.take(bucket, NOW, within_s=1.2) for _ in range(4)]
    assert 1.5 == await store.rate_limits.take(bucket, NOW, within_s=1.2)
    assert 0.5 == await store.rate_limits.take(bucket, NOW + timedelta(seconds=1), within_s=1.2)


async def test_a_block_holds_for_tokens_in_advance_too(store):
    """A block beyond the horizon hands out nothing, one within it counts as waiting."""
    bucket = {"chat": (1.0, 1.0)}
    await store.rate_limits.block("chat", NOW + timedelta(seconds=3))
    assert 3.0 == await store.rate_limits.take(bucket, NOW, within_s=1.0)
    assert 1.0 == await store.rate_limits.take(bucket, NOW + timedelta(seconds=2), within_s=1.0)
    assert 2.0 == await store.rate_limits.take(bucket, NOW + timedelta(seconds=2), within_s=5.0)


async def test_no_bucket_is_no_limit(store):
    """Without buckets nothing waits."""
    assert 0.0 == await store.rate_limits.take({}, NOW)


# Price history


def bars(*days, close=1.0):
    at = np.array([np.datetime64(day, "us").astype(np.int64) for day in days])
    column = np.full(len(days), close)
    return Bars(at, column, column + 1, column - 1, column, column * np.nan)


def columns(found):
    return [getattr(found, name).tolist() for name in ("at", "open", "high", "low", "close")]


async def test_bars_of_several_years_come_back_in_order(store):
    """What was put comes back oldest first, in whatever order it was put, NaN included."""
    await store.bars.put("^SOX", bars("2024-01-02", "2024-11-01"))
    await store.bars.put("^SOX", bars("2022-12-30", "2023-01-03"))
    found = await store.bars.get("^SOX")
    assert columns(bars("2022-12-30", "2023-01-03", "2024-01-02", "2024-11-01")) == columns(found)
    assert np.isnan(found.volume).all()
    assert 0 == len((await store.bars.get("^NDX")).at)


async def test_a_later_bar_takes_the_place_of_an_earlier_one(store):
    """A bar that is put again replaces the one of the same time and no other."""
    await store.bars.put("NVDA", bars("2024-10-31", "2024-11-01", close=1.0))
    await store.bars.put("NVDA", bars("2024-11-01", close=2.0))
    assert [1.0, 2.0] == (await store.bars.get("NVDA")).close.tolist()
    await store.bars.forget("NVDA")
    assert 0 == len((await store.bars.get("NVDA")).at)


@given(position=st.integers(0, 200), bit=st.integers(0, 7))
def test_a_damaged_block_of_bars_is_not_there(position, bit):
    """Any flipped bit, and any cut, makes the block unreadable rather than wrong."""
    block = bytearray(pack(bars("2024-10-31", "2024-11-01")))
    position %= len(block)
    assert unpack(bytes(block[:position])) is None
    block[position] ^= 1 << bit
    assert unpack(bytes(block)) is None


async def test_a_damaged_year_is_skipped(store, raw):
    """A year that can't be read is missing; the others are there, and the year can be put again."""
    await store.bars.put("NVDA", bars("2023-10-31", "2024-11-01"))
    await raw("HSET", "tw1:bars:NVDA", "2023", "damaged")
    assert columns(bars("2024-11-01")) == columns(await store.bars.get("NVDA"))
    await store.bars.put("NVDA", bars("2023-10-31"))
    assert columns(bars("2023-10-31", "2024-11-01")) == columns(await store.bars.get("NVDA"))
