"""The weekly digest in chat: what was published stays so, and comes as the file that is asked for."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from adapters.chat.port import Reply
from adapters.message import Reader
from bot.commands.handler import Commands
from bot.digest.data import DigestData, ObservedData
from bot.digest.desk import DigestDesk
from bot.digest.flow import Publisher
from bot.digest.layout_file import parse_layout
from bot.reference.imported import digest_data
from bot.reference.recording import END, FRIDAY, recording
from tests.bot.commands.conftest import Person, Sent, shown
from tests.bot.digest.kit import MemoryStore

LAYOUT = "version: 1\ntitle: W\nsections: []\n"


@pytest.fixture
def publisher(universe, calendars, tmp_path: Path) -> Publisher:
    """A short digest with two kinds of files."""
    store = MemoryStore()
    return Publisher(
        documents=store,
        states=store,
        archive=tmp_path / "archive",
        universe=universe,
        layout=parse_layout("own.yaml", LAYOUT, universe),
        calendars=calendars,
        readers={"en": Reader(), "zh": Reader(lang="zh")},
        editors=["slack:C9"],
        team=["slack:C1"],
        file_formats=("html", "xlsx"),
    )


@pytest.fixture
def known(universe) -> list[DigestData]:
    """What is known; tests change it."""
    return [digest_data(recording(universe))]


@pytest.fixture
def reader(desk, publisher: Publisher, known: list[DigestData], tmp_path: Path) -> Person:
    """An analyst on the Saturday after the recorded week."""

    async def data(_):
        return known[0]

    return Person(Commands(replace(desk, weekly=DigestDesk(publisher, data, tmp_path / "asked", Sent()))))


def files(reply: Reply) -> list[str]:
    """The names of what is attached, every one of which is there."""
    assert all(Path(each.path).stat().st_size for each in reply.message.attachments)
    return [each.name for each in reply.message.attachments]


async def test_a_week_that_was_not_published_is_built_with_its_file(reader: Person) -> None:
    """A page unless something else is asked for, with buttons for the rest."""
    reply = await reader.ask("/digest")
    assert ["2024-W44-en.html"] == files(reply)
    assert ["digest:2024-W44:pdf", "digest:2024-W44:xlsx"] == [b.data for b in reply.message.buttons[0]]
    assert ["2024-W44-en.xlsx"] == files(await reader.press("digest:2024-W44:xlsx"))


async def test_a_published_week_is_served_from_the_archive(
    reader: Person, publisher: Publisher, known: list[DigestData]
) -> None:
    """Later figures don't change it, and neither draft nor rebuilding is needed to read it."""
    await publisher.draft(known[0], FRIDAY, END)
    await publisher.publish(known[0], FRIDAY, END)
    published = await publisher.edition("2024-W44")
    known[0] = ObservedData((), (), END)
    for asked, name in (("/digest 2024-W44 xlsx", "2024-W44-en.xlsx"), ("/digest last html", "2024-W44-en.html")):
        reply = await reader.ask(asked)
        assert [name] == files(reply)
        assert "archive" in reply.message.attachments[0].path
        assert published is not None
        assert published.messages["en"].blocks == reply.message.blocks


async def test_what_nothing_is_known_of_has_no_digest(reader: Person, known: list[DigestData]) -> None:
    """Nothing is made up."""
    known[0] = ObservedData((), (), END)
    assert "There is no digest of 2024-W44." == await reader.read("/digest")


async def test_a_running_week_is_for_analysts(reader: Person) -> None:
    """By its name as by ``preview``: nobody has reviewed it."""
    assert "analyst role" in await reader.viewer().read("/digest 2024-W45")
    assert "analyst role" in await reader.viewer().read("/digest preview")
    assert "🔒" not in shown(await reader.ask("/digest preview"))
