"""``tapewatch doctor`` against services that refuse what the real ones refuse: each line says what to do."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from adapters.clock import ShiftedClock
from adapters.notifiers.slack_inspection import SCOPES
from adapters.store.embedded import open_store
from adapters.store.port import Commit, OutboxEntry
from bot.app.doctor import examine
from bot.app.doctor.sources import ADDRESSES, judged
from bot.app.doctor.state import durability
from bot.operations.findings import Finding, document
from rules.loading import yaml_source
from tests.fakes.http_server import Reply, running_http
from tests.fakes.slack_server import FakeSlack
from tests.fakes.telegram_server import FakeTelegram

ROOT = Path(__file__).parents[3]
NOW = datetime(2024, 11, 1, 20, tzinfo=UTC)
NO_SOURCES = {f"TAPEWATCH_FEEDS__{name.upper()}__ENABLED": "false" for name in ADDRESSES}


def told(findings: Sequence[Finding], check: str) -> list[tuple[str, str]]:
    """Level and text of each line about ``check``."""
    return [(each.level.value, each.said("en")) for each in findings if each.check == check]


async def looked(home: Path, **environ: str) -> Sequence[Finding]:
    """What the doctor finds with nothing but ``environ``, asking no source of data."""
    _, findings = await examine(None, {"TAPEWATCH_HOME": str(home), **NO_SOURCES, **environ})
    return findings


async def test_a_desk_in_order_has_no_problem(tmp_path: Path) -> None:
    """Store, rules, both services and each destination; no secret is in any line of either language."""
    async with FakeTelegram() as telegram, FakeSlack() as slack:
        telegram.add_chat(42)
        slack.add_channel("C1")
        slack.scopes = set(SCOPES)
        findings = await looked(
            tmp_path,
            TELEGRAM_TOKEN=telegram.token, TELEGRAM_BASE_URL=telegram.base_url,
            SLACK_BOT_TOKEN=slack.bot_token, SLACK_APP_TOKEN=slack.app_token, SLACK_BASE_URL=slack.base_url,
            TAPEWATCH_DESTINATIONS="telegram:42,slack:C1",
            TAPEWATCH_ACCESS__OPEN="true",
        )  # fmt: skip
        secrets = (telegram.token, slack.bot_token, slack.app_token)
    english, chinese = document(findings, "en"), document(findings, "zh")
    assert [line for line in english["checks"] if line["level"] == "problem"] == []
    assert told(findings, "destinations") == [
        ("ok", "telegram:42 can be written to"),
        ("ok", "slack:C1 can be written to"),
    ]
    assert ("ok", "the app token opens a socket: commands are heard") in told(findings, "slack")
    assert told(findings, "durability") == [("ok", "every acknowledged write is on disk (appendfsync always)")]
    assert [token for token in secrets if token in json.dumps([english, chinese])] == []
    assert (english["ok"], len(chinese["checks"])) == (True, len(english["checks"]))
    assert telegram.messages == {} == slack.messages


async def test_tokens_scopes_and_channels_that_are_wrong_are_problems(tmp_path: Path) -> None:
    """Each with what to do."""
    async with FakeTelegram() as telegram, FakeSlack() as slack:
        telegram.add_chat(42)
        telegram.block(42)
        slack.add_channel("C1").member = False
        slack.add_channel("C2").archived = True
        slack.scopes = set(SCOPES) - {"files:write", "chat:write"}
        findings = await looked(
            tmp_path,
            TELEGRAM_TOKEN=telegram.token, TELEGRAM_BASE_URL=telegram.base_url,
            SLACK_BOT_TOKEN=slack.bot_token, SLACK_APP_TOKEN="xapp-of-another-app", SLACK_BASE_URL=slack.base_url,
            TAPEWATCH_DESTINATIONS="telegram:42,telegram:7,slack:C1,slack:C2,slack:C3,mail:me",
        )  # fmt: skip
    assert [level for level, _ in told(findings, "destinations")] == ["problem"] * 6
    assert ("problem", "the bot token lacks chat:write") in told(findings, "slack")
    assert ("warning", "the bot token lacks files:write") in told(findings, "slack")
    assert any(level == "problem" and "SLACK_APP_TOKEN" in said for level, said in told(findings, "slack"))
    assert told(findings, "access") == [("warning", "the bot listens, but nobody may use it")]
    for each in findings:
        assert (each.level.value == "ok") == (each.remedy("en") == "") == (each.remedy("zh") == "")


@pytest.mark.parametrize(
    ("environ", "said"),
    [
        ({"TELEGRAM_TOKEN": "1:wrong"}, "Telegram refuses the token; check TELEGRAM_TOKEN and TELEGRAM_BASE_URL"),
        ({"TELEGRAM_BASE_URL": "http://127.0.0.1:9"}, "telegram: Telegram can't be reached (ClientConnectorError)"),
    ],
)
async def test_a_service_that_refuses_or_is_away(tmp_path: Path, environ: Mapping[str, str], said: str) -> None:
    """It is one problem, not one for each of its destinations."""
    async with FakeTelegram() as telegram:
        fine = {"TELEGRAM_TOKEN": telegram.token, "TELEGRAM_BASE_URL": telegram.base_url}
        findings = await looked(tmp_path, **{**fine, **environ}, TAPEWATCH_DESTINATIONS="telegram:1,telegram:2")
    assert told(findings, "telegram") == [("problem", said)]
    assert told(findings, "destinations") == []


async def test_what_was_configured_wrongly_is_told_by_its_place(tmp_path: Path) -> None:
    """A settings file, a secret's file and a rule pack with mistakes; a store that isn't there."""
    config = tmp_path / "config.yaml"
    config.write_text("reader: {lang: fr}\nfeedz: 1\n")
    _, findings = await examine(config, {"TAPEWATCH_HOME": str(tmp_path)})
    assert [each.said("en").partition(": ")[0] for each in findings] == [f"{config}:1:10", f"{config}:2:1"]

    _, findings = await examine(None, {"TAPEWATCH_HOME": str(tmp_path), "TELEGRAM_TOKEN_FILE": "/none"})
    (line,) = told(findings, "settings")
    assert line == (
        "problem",
        "TELEGRAM_TOKEN_FILE:1:1: /none can't be read: No such file or directory;"
        " wanted a file that holds the secret",
    )  # fmt: skip

    pack = tmp_path / "own.yaml"
    pack.write_text("version: 1\nrules:\n  - id: a\n    title: A\n    when: NVDIA > 1\n")
    findings = await looked(tmp_path, TAPEWATCH_RULES=str(pack), REDIS_URL="redis://127.0.0.1:9")
    (rule,) = told(findings, "rules")
    assert (rule[0], rule[1].startswith(f"{pack}:5:11: ")) == ("problem", True)
    assert [level for level, _ in told(findings, "store")] == ["problem"]


async def test_what_waits_and_what_was_given_up_is_told(tmp_path: Path) -> None:
    """A message that has been due for longer than five minutes is a problem; a dead letter a warning."""
    async with open_store(None, tmp_path) as store:
        entries = [OutboxEntry("n1", "telegram:1", "{}", NOW), OutboxEntry("n2", "telegram:2", "{}", NOW)]
        await store.states.commit(Commit(alerts={}, outbox=entries))
        (claimed,) = await store.outbox.claim("w", NOW)
        await store.outbox.bury(claimed, "chat not found", NOW)
        await store.leases.acquire("engine", "desk:7 rest", 30)
    environ = {"TAPEWATCH_HOME": str(tmp_path), **NO_SOURCES}
    _, findings = await examine(None, environ, ShiftedClock(NOW + timedelta(minutes=34)))
    assert told(findings, "outbox") == [
        ("problem", "messages waiting: 1, the oldest due for 34 min"),
        ("warning", "messages that could not be delivered: 1"),
    ]
    assert told(findings, "roles")[-1] == ("warning", "nobody does the work of scheduler, housekeeping")


SERVER = {"aof_enabled": 1, "aof_last_write_status": "ok", "maxmemory": 0, "maxmemory_policy": "noeviction"}


@pytest.mark.parametrize(
    ("info", "sync", "found"),
    [
        ({}, "always", ["ok durable"]),
        ({}, "everysec", ["warning durable_late"]),
        ({}, None, ["warning durable_unknown"]),  # a hosted server that hides its configuration
        ({"aof_enabled": 0}, "always", ["problem durable_not"]),
        ({"aof_last_write_status": "err"}, "always", ["problem durable_failed"]),
        ({"maxmemory": 1, "maxmemory_policy": "allkeys-lru"}, "always", ["ok durable", "problem evicts"]),
    ],
)
def test_what_a_server_would_lose(info: Mapping[str, object], sync: str | None, found: list[str]) -> None:
    """By what it says of itself."""
    assert found == [f"{each.level.value} {each.key}" for each in durability({**SERVER, **info}, sync)]


async def test_a_source_that_is_away_is_a_warning_and_a_feed_without_any_a_problem(tmp_path: Path) -> None:
    """One that refuses is told apart from one that doesn't answer; the servers' clocks are compared with ours."""
    async with running_http() as http:
        http.route("*", Reply(403, b"forbidden", {"Date": "Fri, 01 Nov 2024 21:00:00 GMT"}))
        sources = {
            "TAPEWATCH_FEEDS__FARSIDE__ENABLED": "true",
            "TAPEWATCH_FEEDS__FARSIDE__BASE_URL": http.base_url,
            "TAPEWATCH_FEEDS__COINBASE__ENABLED": "true",
            "TAPEWATCH_FEEDS__COINBASE__BASE_URL": "ws://127.0.0.1:9",
            "TAPEWATCH_HOME": str(tmp_path),
        }
        _, findings = await examine(None, {**NO_SOURCES, **sources}, ShiftedClock(NOW))
    assert told(findings, "farside") == [("warning", "answers 403: it refuses requests from here")]
    assert [level for level, _ in told(findings, "coinbase")] == ["warning"]
    assert told(findings, "streams") == [("problem", "none of its sources answers: coinbase")]
    assert told(findings, "etf_flows") == []
    assert [level for level, _ in told(findings, "clock")] == ["problem"]
    assert list(judged({}, {"prices": ("yahoo",)})) == []


def test_the_scopes_that_are_looked_for_are_those_of_the_manifest() -> None:
    """Neither asks for more than the other."""
    node, _ = yaml_source.read("slack-manifest.yaml", (ROOT / "slack-manifest.yaml").read_bytes())
    assert isinstance(node, yaml_source.Mapping)
    scopes = node.entries["oauth_config"][1].entries["scopes"][1].entries["bot"][1]
    assert sorted(SCOPES) == sorted(item.resolved for item in scopes.items)
