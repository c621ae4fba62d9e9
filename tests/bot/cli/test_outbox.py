"""``tapewatch outbox`` and ``tapewatch routes``, as an operator runs them."""

import asyncio
import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import pytest
from click.testing import CliRunner

from adapters.message import Message, Text
from adapters.store.embedded import open_store
from adapters.store.port import Commit, LogLine, OutboxEntry
from bot.cli import cli
from bot.sending.payload import pack

NOW = datetime(2024, 11, 1, 20, tzinfo=UTC)


@pytest.fixture
async def home(tmp_path) -> AsyncIterator[str]:
    """A data directory with one message sent, one held back, one dead and one waiting."""
    async with open_store(None, tmp_path) as store:
        entries = [OutboxEntry(f"n{number}", "slack:C1", "{}", NOW) for number in range(3)]
        held = LogLine("n9", "slack:C1", NOW, "suppressed_silence", "silenced by Li")
        await store.states.commit(Commit(alerts={}, outbox=entries, decisions=[held]))
        (sent,) = await store.outbox.claim("a", NOW)
        await store.outbox.acknowledge(sent, "{}", NOW)
        (dead,) = await store.outbox.claim("a", NOW)
        await store.outbox.bury(dead, "MessageRejected: too long", NOW)
    return str(tmp_path)


def run(home, *words):
    return CliRunner().invoke(cli, list(words), env={"TAPEWATCH_HOME": home})


def test_outbox_tells_what_waits_and_what_is_dead(home):
    """Lanes with their length, and where to look for the dead."""
    assert "     1  slack:C1\n1 given up: see tapewatch outbox dead\n" == run(home, "outbox").stdout
    assert run(home, "outbox").stdout == run(home, "outbox", "list").stdout
    assert {"waiting": {"slack:C1": 1}, "held_up": {}, "next_due": NOW.isoformat(), "dead": 1} == json.loads(
        run(home, "outbox", "--json").stdout
    )


async def test_outbox_tells_what_holds_a_lane_up(tmp_path):
    """When it is tried again, on the reader's clocks and in their language, and what went wrong."""
    async with open_store(None, tmp_path) as store:
        await store.states.commit(Commit(alerts={}, outbox=[OutboxEntry("n1", "slack:C1", "{}", NOW)]))
        (claimed,) = await store.outbox.claim("a", NOW)
        await store.outbox.postpone(claimed, NOW + timedelta(minutes=1), "RetryLater: Slack asks to wait")
    found = await asyncio.to_thread(run, str(tmp_path), "outbox", "--lang", "zh")
    held = "        发送未成功，2024-11-02 04:01:00 北京 再试：RetryLater: Slack asks to wait"
    assert ["     1  slack:C1", held] == found.stdout.splitlines()


def test_a_dead_letter_is_listed_and_retried(home):
    """It is listed with its reason; retried, it waits again; a second time it is unknown."""
    (letter,) = json.loads(run(home, "outbox", "dead", "--json").stdout)
    assert ("n1", "MessageRejected: too long", 1) == (letter["key"], letter["why"], letter["attempts"])
    assert 0 == run(home, "outbox", "retry", letter["id"]).exit_code
    assert 2 == json.loads(run(home, "outbox", "--json").stdout)["waiting"]["slack:C1"]
    again = run(home, "outbox", "retry", letter["id"])
    assert (1, True) == (again.exit_code, "there is no dead letter" in again.stderr)
    assert "no dead letters\n" == run(home, "outbox", "dead").stdout


def test_every_dead_letter_can_be_retried_at_once(home):
    """``all`` stands for each of them."""
    assert 0 == run(home, "outbox", "retry", "all").exit_code
    assert "no dead letters\n" == run(home, "outbox", "dead").stdout


def test_a_dead_letter_is_dropped_with_a_reason(home):
    """Afterwards there is none, and the log says why."""
    (letter,) = json.loads(run(home, "outbox", "dead", "--json").stdout)
    assert 2 == run(home, "outbox", "drop", letter["id"]).exit_code
    found = run(home, "outbox", "drop", letter["id"], "--reason", "out of date")
    assert f"{letter['id']} is given up for good\n" == found.stdout
    assert [] == json.loads(run(home, "outbox", "dead", "--json").stdout)
    assert "dropped  slack:C1  n1\n    out of date\n" in run(home, "outbox", "log").stdout
    again = run(home, "outbox", "drop", letter["id"], "--reason", "x", "--json")
    assert (1, {"done": [], "unknown": [letter["id"]]}) == (again.exit_code, json.loads(again.stdout))


async def test_a_dead_letter_is_shown_with_its_text(tmp_path):
    """By its id, its key or the alert's number: what it says in the reader's language, why it died, what happened."""
    message = {
        lang: Message(summary=text, title=(Text(text),)) for lang, text in (("en", "SOX lags"), ("zh", "费半跑输"))
    }
    async with open_store(None, tmp_path) as store:
        entry = OutboxEntry("A-1042:fired:x", "slack:C1", pack(message), NOW)
        await store.states.commit(Commit(alerts={}, outbox=[entry]))
        (dead,) = await store.outbox.claim("a", NOW)
        await store.outbox.bury(dead, "MessageRejected: too long", NOW)
        (letter,) = await store.outbox.dead()
    pages = [
        (await asyncio.to_thread(run, str(tmp_path), "outbox", "--lang", "zh", "show", name)).stdout
        for name in (letter.id, "A-1042:fired:x", "A-1042")
    ]
    assert 1 == len(set(pages))
    assert [
        f"{letter.id}  2024-11-02 04:00:00 北京  slack:C1  已尝试 1 次",
        "    费半跑输（A-1042:fired:x）",
        "    MessageRejected: too long",
        "    │ 费半跑输",
        "",
        "2024-11-02 04:00:00 北京  投递失败  slack:C1  A-1042:fired:x",
        "    MessageRejected: too long",
    ] == pages[0].splitlines()
    unknown = await asyncio.to_thread(run, str(tmp_path), "outbox", "show", "A-9")
    assert (1, True) == (unknown.exit_code, "nothing is known of 'A-9'" in unknown.stderr)


def test_the_log_tells_what_was_not_sent_and_why(home):
    """Sent, buried and held back, newest first."""
    lines = json.loads(run(home, "outbox", "log", "--json").stdout)
    assert [("buried", "n1"), ("sent", "n0"), ("suppressed_silence", "n9")] == [
        (line["outcome"], line["key"]) for line in lines
    ]
    assert ["2024-11-01 20:00:00 UTC  silenced  slack:C1  n9", "    silenced by Li"] == run(
        home, "outbox", "log", "--key", "n9"
    ).stdout.splitlines()


CONFIG = """
routing:
  to: slack:ALL
  routes:
    - match: {severity: critical}
      to: telegram:1
      repeat: 4h
      continue: true
    - match: {tag: crypto}
      to: slack:CRYPTO
    - match: {list: ai}
      to: slack:AI
"""


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (["severity=critical", "tag=crypto"], ["telegram:1", "slack:CRYPTO"]),
        (["rule=sox"], ["slack:ALL"]),
        (["tag=ai", "tag=crypto"], ["slack:CRYPTO"]),
        (["symbol=NVDA"], ["slack:AI"]),
    ],
)
def test_routes_test_explains_where_an_alert_goes(tmp_path, facts, expected):
    """Destinations in the order of the routes, each with the route that led there."""
    config = tmp_path / "config.yaml"
    config.write_text(CONFIG)
    rows = json.loads(run(str(tmp_path), "--config", str(config), "routes", "test", *facts, "--json").stdout)
    assert expected == [row["destination"] for row in rows]
    if "severity=critical" in facts:
        assert ("everything > severity=critical", "repeat=4h") == (rows[0]["path"], rows[0]["options"])


def test_routes_test_says_when_an_alert_goes_nowhere(tmp_path):
    """Without routes and destinations nobody is told, but who subscribed."""
    found = run(str(tmp_path), "routes", "test", "rule=sox")
    assert (1, "  nowhere: no route has") == (found.exit_code, found.stdout.splitlines()[1][:23])


MANNERS = """
destinations: ["slack:ALL"]
routing:
  quiet: 23:00-07:30
  group_wait: 30s
  destinations: {"slack:ALL": {budget: 20/1h}}
  inhibit: [{source: {rule: market-halt}, target: {tag: crypto}}]
"""


def test_routes_test_says_what_may_hold_an_alert_back(tmp_path):
    """A rule brings its severity and tags along; what is urgent is held back by neither quiet hours nor budget."""
    config = tmp_path / "config.yaml"
    config.write_text(MANNERS)
    calm = run(str(tmp_path), "--config", str(config), "routes", "test", "rule=fear-greed-band", "--lang", "zh")
    assert [
        "符合 rule=fear-greed-band severity=info tag=crypto,sentiment 的提醒发送到",
        "  slack:ALL",
        "      路由：everything",
        "      选项：group_wait=30s",
        "      免打扰 23:00-07:30，结束后合并为一条",
        "      超出额度 20/1h 后合并为一条",
        "      符合 rule=market-halt 的提醒触发期间不发送",
        "此外，聊天中订阅者也会收到",
    ] == calm.stdout.splitlines()
    urgent = run(str(tmp_path), "--config", str(config), "routes", "test", "rule=btc-73k", "--json")
    (row,) = json.loads(urgent.stdout)
    assert (True, "23:00-07:30", "20/1h", "rule=market-halt") == (
        row["urgent"],
        row["quiet"],
        row["budget"],
        row["inhibited_by"],
    )


def test_a_word_that_is_no_fact_is_wrong_usage(tmp_path):
    """Exit status 2 and what is wanted."""
    found = run(str(tmp_path), "routes", "test", "critical")
    assert (2, True) == (found.exit_code, "'critical' is not a fact; wanted NAME=VALUE" in found.stderr)
