"""``tapewatch outbox`` and ``tapewatch routes``, as an operator runs them."""

import json
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from click.testing import CliRunner

from adapters.store.embedded import open_store
from adapters.store.port import Commit, LogLine, OutboxEntry
from bot.cli import cli

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
    assert "     1  slack:C1\n1 dead: see tapewatch outbox dead\n" == run(home, "outbox").stdout
    assert {"waiting": {"slack:C1": 1}, "next_due": NOW.isoformat(), "dead": 1} == json.loads(
        run(home, "outbox", "--json").stdout
    )


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


def test_a_dead_letter_is_discarded(home):
    """Afterwards there is none."""
    (letter,) = json.loads(run(home, "outbox", "dead", "--json").stdout)
    assert f"{letter['id']} forgotten\n" == run(home, "outbox", "discard", letter["id"]).stdout
    assert [] == json.loads(run(home, "outbox", "dead", "--json").stdout)


def test_the_log_tells_what_was_not_sent_and_why(home):
    """Sent, buried and held back, newest first."""
    lines = json.loads(run(home, "outbox", "log", "--json").stdout)
    assert [("buried", "n1"), ("sent", "n0"), ("suppressed_silence", "n9")] == [
        (line["outcome"], line["key"]) for line in lines
    ]
    assert 1 == len(run(home, "outbox", "log", "--key", "n9").stdout.splitlines())


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
        assert ("everything > severity=critical", "repeat=14400s") == (rows[0]["path"], rows[0]["options"])


def test_routes_test_says_when_an_alert_goes_nowhere(tmp_path):
    """Without routes and destinations nobody is told."""
    found = run(str(tmp_path), "routes", "test", "rule=sox")
    assert (1, True) == (found.exit_code, found.stdout.startswith("nowhere"))


def test_a_word_that_is_no_fact_is_wrong_usage(tmp_path):
    """Exit status 2 and what is wanted."""
    found = run(str(tmp_path), "routes", "test", "critical")
    assert (2, True) == (found.exit_code, "'critical' is not a fact; wanted NAME=VALUE" in found.stderr)
