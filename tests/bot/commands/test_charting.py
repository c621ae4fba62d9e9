"""Charts are pictures of what is known, and say so in words too."""

from pathlib import Path

import pytest

from tests.bot.commands.conftest import Person, shown


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("/chart BTC-USD 1mo", "Since 24 Oct 2024: 🟢▲ +1.9%"),
        ("/chart NVDA", "Since 25 Oct 2024: 🔴▼ -4.3%"),
        # What costs a few dollars starts at 100, for the axis to say something.
        ("/chart CAN", "Since 25 Oct 2024: 🟢▲ +19.0%"),
        ("/chart SOX vs NDX 1y", "Since 29 Dec 2023: 🟢▲ +0.6%"),
    ],
)
async def test_a_chart_comes_with_its_change_in_words(ann: Person, line: str, words: str) -> None:
    """The picture is a PNG that the sender can read; the change stands beside it."""
    reply = await ann.ask(line)
    (attachment,) = reply.message.attachments
    assert words in shown(reply)
    assert b"\x89PNG" == Path(attachment.path).read_bytes()[:4]
    assert attachment.alt


@pytest.mark.parametrize(
    ("line", "start"),
    [
        ("/chart IBIT", "❓ Too little is known of IBIT"),
        ("/chart NVDA 1810.HK AMD", "✋ 3 instruments are too many"),
        ("/chart NVDA 2w", '✋ Window "2w" not supported'),
    ],
)
async def test_what_cannot_be_drawn_is_explained(ann: Person, line: str, start: str) -> None:
    """In words, without a picture."""
    assert (await ann.read(line)).startswith(start)


async def test_the_same_chart_is_one_file(ann: Person, desk) -> None:
    """Asking twice doesn't fill the disk."""
    await ann.ask("/chart NVDA")
    await ann.ask("/chart NVDA")
    assert 1 == len(list(desk.pictures.folder.glob("*.png")))
