"""Rules that change while they run: the engine hears of it, and keeps what the others remember."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from adapters.store.redis import RedisStore
from bot.rulebook import personal
from bot.rulebook.changes import FILES, announce
from bot.rulebook.personal import PersonalAlert
from bot.rulebook.rulebook import RuleBook, mark_of
from bot.rulebook.running import RunningRules
from rules.calendars.sessions import Calendars
from rules.loading.universe_file import load_universe
from rules.spec import RuleSpec

UNIVERSE, CALENDARS = load_universe(None), Calendars()
NOW = datetime(2024, 11, 1, tzinfo=UTC)


async def nobody(_: object) -> None:
    """Nobody runs the rules."""


def pack(folder: Path, threshold: int) -> Path:
    """A pack of one rule."""
    path = folder / "own.yaml"
    text = f"version: 1\nrules:\n  - id: nvda\n    title: NVDA\n    when: close(NVDA) > {threshold}\n"
    path.write_text(text, encoding="utf-8")
    return path


async def ids(running: RunningRules, now: datetime = NOW) -> list[str]:
    """The rules that are to run."""
    specs: list[RuleSpec] = list(await running.specs(UNIVERSE, CALENDARS, now))
    return [spec.id for spec in specs]


async def test_an_own_alert_is_taken_up_and_ended(store: RedisStore, tmp_path: Path) -> None:
    """Whoever keeps or forgets an alert changes what is to run; an expired one runs no more."""
    running = RunningRules(RuleBook([pack(tmp_path, 100)], UNIVERSE, nobody), store.documents)
    await running.look()
    before = running.revision
    alert = PersonalAlert(
        id="P-1", owner="telegram:1", owner_name="Li", typed="NVDA > 140", when="close(NVDA) > 140",
        created_at=NOW, expires_at=NOW + timedelta(days=1),
    )  # fmt: skip
    await personal.keep(store.documents, alert)
    await running.look()
    assert (running.revision, await ids(running)) == (before + 1, ["nvda", "my-p-1"])
    assert await ids(running, NOW + timedelta(days=2)) == ["nvda"]
    await personal.forget(store.documents, "P-1")
    await running.look()
    assert (running.revision, await ids(running)) == (before + 2, ["nvda"])


async def test_files_are_read_again_when_a_reload_is_announced_and_a_bad_one_is_not_used(
    store: RedisStore, tmp_path: Path
) -> None:
    """Another process's /reload reaches this one; a file that is broken by then leaves the rules as they are."""
    book = RuleBook([pack(tmp_path, 100)], UNIVERSE, nobody)
    running = RunningRules(book, store.documents)
    await running.look()
    pack(tmp_path, 200)
    await announce(store.documents, FILES)
    await running.look()
    assert "200" in book.rules[0].when.text
    (tmp_path / "own.yaml").write_text("rules: [", encoding="utf-8")
    await announce(store.documents, FILES)
    await running.look()
    assert "200" in book.rules[0].when.text


async def test_what_this_process_reloaded_is_not_read_once_more(store: RedisStore, tmp_path: Path) -> None:
    """Files that were edited after the reload wait for the next one."""

    async def changed(rules: Sequence[RuleSpec]) -> None:
        await announce(store.documents, FILES, mark_of(rules))

    book = RuleBook([pack(tmp_path, 100)], UNIVERSE, changed)
    running = RunningRules(book, store.documents)
    await running.look()
    before = running.revision
    pack(tmp_path, 200)
    await book.use(book.read())
    pack(tmp_path, 300)
    await running.look()
    assert (before + 1, True) == (running.revision, "200" in book.rules[0].when.text)
