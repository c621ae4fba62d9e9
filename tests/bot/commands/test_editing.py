"""Editors write, approve, publish and correct the digest in chat."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from adapters.message import Reader
from bot.commands.handler import Commands
from bot.digest.desk import DigestDesk
from bot.digest.flow import Publisher
from bot.digest.layout_file import parse_layout
from bot.reference.imported import digest_data
from bot.reference.recording import END, FRIDAY, recording
from tests.bot.commands.conftest import Person, Sent
from tests.bot.digest.kit import MemoryStore

LAYOUT = (
    "version: 1\ntitle: W\nsections: []\n"
    "slots: [{name: view, required: true, title: {en: View, zh: 观点}}, {name: risks, title: {en: Risks, zh: 风险}}]\n"
)


@pytest.fixture
def publisher(universe, calendars, tmp_path: Path) -> Publisher:
    """A digest with two texts, one of them required."""
    store = MemoryStore()
    return Publisher(
        documents=store,
        states=store,
        archive=tmp_path,
        universe=universe,
        layout=parse_layout("own.yaml", LAYOUT, universe),
        calendars=calendars,
        readers={"en": Reader(), "zh": Reader(lang="zh")},
        editors=["slack:C9"],
        team=["slack:C1"],
        file_formats=("json",),
    )


@pytest.fixture
async def editor(desk, universe, publisher: Publisher, tmp_path: Path) -> Person:
    """An analyst on Saturday, when the draft is there."""
    data = digest_data(recording(universe))

    async def known(_):
        return data

    await publisher.draft(data, FRIDAY, END)
    return Person(Commands(replace(desk, weekly=DigestDesk(publisher, known, tmp_path, Sent()))))


async def test_a_text_is_written_shown_and_emptied(editor: Person, publisher: Publisher) -> None:
    """Lines are kept, the week may be named, and what has no text says how to write one."""
    text = await editor.read("/digest fill view Own semis.\nSell the rest.")
    assert text == "✏️ 2024-W44: view written by Ann; a new draft follows."
    assert await publisher.words(FRIDAY) == {"view": "Own semis.\nSell the rest."}
    assert "view View Own semis. Sell the rest." in await editor.read("/digest fill")
    assert "risks Risks empty" in await editor.read("/digest fill 2024-W44")
    await editor.read("/digest fill 2024-w44 view -")
    assert "view View empty, and required" in await editor.read("/digest fill")
    assert "there are: view, risks" in await editor.read("/digest fill veiw x")


@pytest.mark.parametrize("text", ["view: Own semis,\nsell the rest", " view：Own semis,\nsell the rest "])
async def test_a_text_may_come_as_an_answer_to_the_draft(editor: Person, publisher: Publisher, text: str) -> None:
    """Its name, a colon and the words; nobody's question is taken for one, nor a viewer's words."""
    reply = await editor.at("telegram:-100").ask(text)
    assert not reply.private
    assert await publisher.words(FRIDAY) == {"view": "Own semis,\nsell the rest"}
    await editor.viewer().ask("view: something else")
    await editor.ask("opinion: something else")
    assert await publisher.words(FRIDAY) == {"view": "Own semis,\nsell the rest"}


async def test_a_text_may_be_longer_than_a_question(editor: Person, publisher: Publisher) -> None:
    """A few paragraphs go into one message."""
    view = " ".join(["words"] * 500)
    assert (await editor.read(f"/digest fill view {view}")).startswith("✏️")
    assert await publisher.words(FRIDAY) == {"view": view}


async def test_from_a_text_to_a_correction(editor: Person) -> None:
    """A missing text, then words that the last draft lacks hold it back; then it is out, once."""
    assert "required texts that are empty" in await editor.read("/digest publish 2024-W44")
    await editor.read("/digest fill view Own semis")
    assert "a new draft follows" in (await editor.press("digest:publish:2024-W44")).toast
    assert "approved by Ann" in (await editor.press("digest:approve:2024-W44")).toast
    assert await editor.read("/digest publish") == "📘 2024-W44 published by Ann."
    assert "published already" in await editor.read("/digest publish 2024-W44")
    assert "would say the same" in await editor.read("/digest correct 2024-W44 typo")
    assert "/digest correct 2024-W44 REASON" in await editor.read("/digest fill 2024-W44 view Own clouds")
    assert "Say why" in await editor.read("/digest correct 2024-W44")
    assert await editor.read("/digest correct a new view") == "📘 2024-W44 corrected by Ann."


@pytest.mark.parametrize("line", ["fill view x", "approve", "publish", "correct 2024-W44 x", "preview"])
async def test_viewers_do_none_of_it(editor: Person, line: str) -> None:
    """Editors are analysts."""
    assert "analyst role" in await editor.viewer().read(f"/digest {line}")


@pytest.mark.parametrize(("line", "title"), [
    ("/digest month", "Month to date, 2 Nov 2024"),
    ("/digest month 2024-10", "October 2024"),
])  # fmt: skip
async def test_the_month_so_far(editor: Person, line: str, title: str) -> None:
    """The running month, or one that is named up to its end."""
    assert title in await editor.read(line)


async def test_a_month_to_come_is_none(editor: Person) -> None:
    """Nothing is known of it."""
    assert "2024-12" in await editor.read("/digest month 2024-12")
    assert "✋" in await editor.read("/digest month 2024-12")
