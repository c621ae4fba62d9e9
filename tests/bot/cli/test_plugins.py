"""What another package adds by entry point is used like what is shipped."""

import json
import os
from pathlib import Path

import pytest

from tests.bot.cli.conftest import ROOT, Tapewatch

MODULE = '''
from contextlib import asynccontextmanager

from adapters.feeds.port import Fetched
from adapters.notifiers.port import Receipt
from adapters.rendering.plain import plain_text
from rules.model import Observation


class Paper:
    """Delivers to ``paper:FILE``."""

    def __init__(self, clock):
        self._clock = clock

    async def send(self, outgoing):
        with open(outgoing.destination.partition(":")[2], "a", encoding="utf-8") as file:
            file.write(plain_text(outgoing.message, outgoing.reader) + "\\n\\n")
        return Receipt(outgoing.destination, outgoing.key, self._clock.now())


@asynccontextmanager
async def open_paper(clock):
    yield Paper(clock)


class Weather:
    def __init__(self, http):
        self._http = http

    async def fetch(self, now):
        return Fetched((Observation("weather.HK.rain", now, now, 12.5, source="weather"),))
'''


@pytest.fixture
def plugin(tmp_path: Path) -> Path:
    """A folder in which the package ``paper`` is installed."""
    site = tmp_path / "site"
    info = site / "paper-1.0.dist-info"
    info.mkdir(parents=True)
    (site / "paper.py").write_text(MODULE)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: paper\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        "[tapewatch.notifiers]\npaper = paper:open_paper\n[tapewatch.feeds]\nweather = paper:Weather\n"
    )
    return site


def path_with(site: Path) -> str:
    return os.pathsep.join([str(ROOT), str(site)])


def test_a_messenger_of_another_package_is_written_to(tapewatch: Tapewatch, plugin: Path, tmp_path: Path) -> None:
    """Its name is the scheme of its destinations; the demo's week goes there through the outbox."""
    page = tmp_path / "page.txt"
    done = tapewatch("demo", "--json", "--notify", f"paper:{page}", PYTHONPATH=path_with(plugin))
    assert (0, "") == (done.returncode, done.stderr.partition("Traceback")[1])
    assert len(json.loads(done.stdout)["notices"]) <= page.read_text(encoding="utf-8").count("\n\n")


def test_a_feed_of_another_package_is_fetched(tapewatch: Tapewatch, plugin: Path) -> None:
    """Its name is what ``tapewatch fetch`` calls it."""
    done = tapewatch("fetch", "weather", "--json", PYTHONPATH=path_with(plugin))
    assert ["weather.HK.rain"] == [each["series"] for each in json.loads(done.stdout)["observations"]]


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        ("paper = paper:nothing", "'paper' of paper (tapewatch.notifiers) can't be loaded"),
        ("slack = paper:open_paper", "there is another 'slack'; uninstall one of them"),
    ],
)
def test_a_package_that_can_not_be_used_is_named(tapewatch: Tapewatch, plugin: Path, entry: str, said: str) -> None:
    """What is broken, or takes a name that is taken, is told in one line."""
    (plugin / "paper-1.0.dist-info" / "entry_points.txt").write_text(f"[tapewatch.notifiers]\n{entry}\n")
    done = tapewatch("demo", PYTHONPATH=path_with(plugin))
    assert (1, True) == (done.returncode, said in done.stderr)
