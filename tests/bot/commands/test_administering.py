"""Rule files are read when an admin asks; a mistake in them never replaces the rules that run."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from adapters.chat.port import Origin
from bot.commands.handler import Commands
from bot.operations.start_files import StartFiles
from bot.rulebook.files import BROKEN, COLLECTION
from bot.rulebook.rulebook import RuleBook, difference
from tests.bot.commands.conftest import Person, shown

PACK = """version: 1
rules:
  - id: btc-70k
    title: {en: Bitcoin above 70k, zh: 比特币高于7万}
    when: high(BTC) > 70_000
    tags: [crypto]
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The one pack of the desk."""
    path = tmp_path / "mine.yaml"
    path.write_text(PACK, encoding="utf-8")
    return path


@pytest.fixture
def running() -> list:
    """The ids of the rules that were put to work, at each change."""
    return []


@pytest.fixture
def admin(ann: Person, desk, universe, file: Path, running: list) -> Person:
    """Somebody who may change what runs."""

    async def changed(rules) -> None:
        running.append([rule.id for rule in rules])

    book = RuleBook([file], universe, changed)
    return replace(ann, id="telegram:1", commands=Commands(replace(desk, rulebook=book)))


async def test_a_dry_run_shows_what_would_change_and_changes_nothing(admin: Person, file: Path, running: list) -> None:
    """The changed rule with its fires of the last year, before and after."""
    assert "No rule differs" in await admin.read("/dryrun")
    file.write_text(PACK.replace("70_000", "73_000"), encoding="utf-8")
    text = await admin.read("/dryrun")
    assert "± btc-70k: 1 → 1 fires in the last year" in text
    assert "[Reload]" in text
    assert [] == running
    assert "70_000" in await admin.read("/rules show btc-70k")


async def test_reload_runs_what_the_files_say(admin: Person, file: Path, running: list) -> None:
    """The new rules are handed over, and the answer names who did it."""
    file.write_text(PACK.replace("btc-70k", "btc-71k"), encoding="utf-8")
    text = await admin.read("/reload")
    assert [["btc-71k"]] == running
    assert "+ btc-71k: 1 fires in the last year" in text
    assert "- btc-70k: 1 fires in the last year" in text
    assert "Reloaded by Ann" in text


async def test_what_is_read_at_the_start_alone_waits_for_the_next(
    admin: Person, desk, universe, file: Path, tmp_path: Path
) -> None:
    """Whoever reloads learns that the settings changed as well, and what to do."""
    config, listed = tmp_path / "config.yaml", tmp_path / "universe.yaml"
    config.write_text("web: {port: 1}\n", encoding="utf-8")

    async def changed(_rules) -> None:
        """Nothing runs here."""

    book = RuleBook([file], universe, changed)
    asked = replace(admin, commands=Commands(replace(desk, rulebook=book, read_at_start=StartFiles([config, listed]))))
    assert "restart" not in await asked.read("/reload")
    config.write_text("web: {port: 2}\n", encoding="utf-8")
    assert "config.yaml changed since the start" in await asked.read("/reload")
    listed.write_text("version: 1\n", encoding="utf-8")
    assert "config.yaml, universe.yaml changed since the start" in await asked.read("/dryrun")


async def test_a_mistake_is_located_and_the_old_rules_stay(admin: Person, file: Path, running: list) -> None:
    """File, line, column, what is wrong and what may have been meant."""
    file.write_text(PACK.replace("tags:", "tgas:"), encoding="utf-8")
    text = await admin.read("/reload")
    assert "✋ mine.yaml:6:5 a rule has no key 'tgas'; did you mean tags? Old rules stay active." == text
    chinese = await replace(admin, lang="zh-hans").read("/reload")
    assert "✋ mine.yaml:6:5 未知字段 “tgas”，是否 tags？旧规则继续生效。" == chinese
    file.write_text(PACK.replace("tags:", "tgas:").replace("when:", "wenn:"), encoding="utf-8")
    several = await admin.read("/dryrun")
    assert "✋ 3 mistakes in the rule files" in several
    assert several.endswith("Old rules stay active.")
    assert [] == running
    assert "📐 1 rules" in await admin.read("/rules")


async def test_a_book_does_not_take_what_has_mistakes(admin: Person, file: Path, running: list) -> None:
    """Whoever calls it."""
    book = admin.commands._desk.rulebook
    file.write_text("version: 1\nrules: [{}]\n", encoding="utf-8")
    with pytest.raises(ValueError, match="put right"):
        await book.use(book.read())
    assert [] == running


def test_a_rule_that_only_moved_in_its_file_is_the_same(universe, file: Path, admin: Person) -> None:
    """Its place doesn't count, its words and conditions do."""
    book = admin.commands._desk.rulebook
    before = book.rules
    file.write_text("# a remark\n" + PACK, encoding="utf-8")
    assert difference(before, book.read().rules).is_empty


async def test_the_home_page_shows_mine_and_what_is_next(ann: Person) -> None:
    """Subscriptions and alerts with buttons that end them, and the coming week."""
    await ann.ask("/sub #crypto")
    await ann.ask("/alert NVDA > 140")
    reply = await ann.send("", "", Origin.HOME)
    assert reply is not None
    text = shown(reply)
    assert "Firing now\nnothing yet" in text
    assert "NVDA > 140" in text
    assert "• #crypto · with sound" in text
    assert "Mon 4 Nov · Constellation Energy" in text
    assert "[✕ #crypto]" in text


async def test_status_counts_the_mistakes_that_keep_rules_from_running(admin: Person, desk) -> None:
    """As long as they stand."""
    assert "mistakes" not in await admin.read("/status")
    broken = {"since": "2024-11-01T20:00:00+00:00", "mistakes": [], "places": ["a.yaml:1:1: x"]}
    await desk.documents.put(COLLECTION, BROKEN, json.dumps(broken))
    assert "1 mistakes in the rule files: the old rules run" in await admin.read("/status")
