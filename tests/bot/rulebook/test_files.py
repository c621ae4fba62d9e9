"""Rules that are edited while they run: taken up when whole, told once when they have a mistake."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

from adapters.clock import SteppingClock
from adapters.store.redis import RedisStore
from bot.feeding.intake import handed_in
from bot.locale.problems import located
from bot.rulebook.files import BROKEN, COLLECTION, RuleFiles, Watch, standing_mistakes
from bot.rulebook.rulebook import RuleBook
from rules.loading.universe_file import load_universe
from rules.model import Transition
from rules.spec import RuleSpec

UNIVERSE = load_universe(None)
NOW = datetime(2024, 11, 1, tzinfo=UTC)
GOOD = "version: 1\nrules:\n  - id: nvda\n    title: NVDA\n    when: close(NVDA) > {}\n"
BAD = "version: 1\nrules:\n  - id: nvda\n    title: NVDA\n    when: close(NVDIA) > {}\n"


def after(seconds: float) -> datetime:
    return NOW + timedelta(seconds=seconds)


def test_an_edit_is_seen_when_the_files_have_settled(tmp_path: Path) -> None:
    """Half a file is never read; the same content written again is no edit, and a new file is one."""
    pack = tmp_path / "own.yaml"
    pack.write_text(GOOD.format(100))
    watch = Watch(lambda: sorted(tmp_path.glob("*.yaml")))
    assert [watch.look(after(0)), watch.look(after(5))] == [False, False]
    pack.write_text(GOOD.format(1000))
    assert [watch.look(after(6)), watch.look(after(6.5)), watch.look(after(7)), watch.look(after(8))] == [
        False, False, True, False]  # fmt: skip
    pack.write_text(GOOD.format(10))
    assert not watch.look(after(9))
    pack.write_text(GOOD.format(1000))
    assert [watch.look(after(9.5)), watch.look(after(20))] == [False, False]
    (tmp_path / "more.yaml").write_text("version: 1\n")
    assert [watch.look(after(21)), watch.look(after(22))] == [False, True]
    pack.unlink()
    assert [watch.look(after(23)), watch.look(after(24))] == [False, True]


class Desk:
    """Rule files of which one is edited, over a store."""

    def __init__(self, store: RedisStore, folder: Path) -> None:
        self.pack = folder / "own.yaml"
        self.edit(GOOD.format(100))
        self.used: list[Sequence[RuleSpec]] = []
        self.book = RuleBook([self.pack], UNIVERSE, self._use)
        self.files = RuleFiles(self.book, store.documents, store.states, SteppingClock(NOW))
        self.store = store

    async def _use(self, rules: Sequence[RuleSpec]) -> None:
        self.used.append(rules)

    def edit(self, text: str) -> None:
        self.pack.write_text(text, encoding="utf-8")

    async def told(self) -> Sequence[Transition]:
        return (await handed_in(self.store.documents))[0]

    def runs(self) -> str:
        return self.book.rules[0].when.text


async def test_a_good_edit_runs_from_then_on(store: RedisStore, tmp_path: Path) -> None:
    """Nothing is said of it; the same rules written differently are not taken up again."""
    desk = Desk(store, tmp_path)
    desk.edit(GOOD.format(200))
    await desk.files.take_up(NOW)
    desk.edit("# a remark\n" + GOOD.format(200))
    await desk.files.take_up(after(10))
    assert (desk.runs(), len(desk.used), await desk.told()) == ("close(NVDA) > 200", 1, [])


async def test_a_bad_edit_is_told_once_and_its_repair_once(store: RedisStore, tmp_path: Path) -> None:
    """The old rules stay; the notice names file, line and column in both languages; a restart doesn't repeat it."""
    desk = Desk(store, tmp_path)
    desk.edit(BAD.format(200))
    await desk.files.take_up(NOW)
    desk.edit("# a remark moves the mistake down\n" + BAD.format(300))
    await desk.files.take_up(after(10))
    (told,) = await desk.told()
    assert (desk.runs(), desk.used, told.kind, told.reason) == ("close(NVDA) > 100", [], "health", "data_missing")
    assert told.say["en"].startswith("own.yaml:5:17: ")
    assert told.say["en"].endswith("Old rules stay active.")
    assert told.say["zh"].endswith("旧规则继续生效。")
    assert "NVDA" in told.say["en"].splitlines()[0]
    assert "没有名为 “NVDIA” 的标的或数据，是否 NVDA？" in told.say["zh"].splitlines()[0]
    (standing,) = await standing_mistakes(store.documents)
    assert located(standing, "en").startswith(f"{desk.pack}:6:17: ")

    again = RuleFiles(desk.book, store.documents, store.states, SteppingClock(NOW))
    await again.take_up(after(20))
    assert len(await desk.told()) == 1
    desk.edit(GOOD.format(300))
    await again.take_up(after(30))
    first, second = await desk.told()
    assert (desk.runs(), second.reason, second.alert) == ("close(NVDA) > 300", "data_back", first.alert)
    await again.take_up(after(40))
    assert (len(await desk.told()), await standing_mistakes(store.documents)) == (2, [])


async def test_what_an_earlier_version_wrote_down_is_still_read(store: RedisStore) -> None:
    """Its mistakes were sentences: they are told as they stand."""
    place = "/etc/packs: own/a.yaml:6:17: nothing is called 'NVDIA'; did you mean NVDA?"
    await store.documents.put(COLLECTION, BROKEN, json.dumps({"since": "", "mistakes": [], "places": [place]}))
    assert [place] == [located(each, "zh") for each in await standing_mistakes(store.documents)]


async def test_another_mistake_is_told_too(store: RedisStore, tmp_path: Path) -> None:
    """Who mends one and makes another must not wait for word that never comes; a file that can't be read is one."""
    desk = Desk(store, tmp_path)
    desk.edit(BAD.format(200))
    await desk.files.take_up(NOW)
    desk.edit("version: 1\nrules: [")
    await desk.files.take_up(after(10))
    desk.pack.unlink()
    await desk.files.take_up(after(20))
    assert (len(await desk.told()), desk.runs()) == (3, "close(NVDA) > 100")
