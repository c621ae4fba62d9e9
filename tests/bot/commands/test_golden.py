"""What people read: whole replies for the recorded week, in both languages, as they were reviewed by eye."""

from pathlib import Path

import pytest

from tests.bot.commands.conftest import Person

GOLDEN = Path(__file__).with_name("golden")
ASKED = {
    "movers-crypto-1w": "/movers crypto 1w",
    "movers-ai-1w-up": "/movers up 3 1w ai",
    "quote": "/quote NVDA 小米集团",
    "quote-fund": "/quote IBIT",
    "idx": "/idx",
    "flows": "/flows",
    "flows-fund": "/flows week IBIT",
    "crypto": "/crypto",
    "fng": "/fng",
    "cal": "/cal",
    "earn": "/earn msft",
    "capex": "/capex",
    "settings": "/settings",
    "alert": "/alert BTC crosses 73k",
    "alert-expression": "/alert rel(SOX, NDX, this_week) <= -2pp",
    "rules-near": "/rules near",
    "rules-show": "/rules show week-move-10",
    "why-rule": "/why sox-lags-ndx",
    "replay": "/replay week-move-10 3mo",
    "sub": "/sub btc-73k",
    "mute": "/mute #crypto 2h because FOMC",
    "status": "/status",
    "start": "/start",
    "help-movers": "/help movers",
    "unknown-symbol": "/quote NVDIA",
    "ambiguous": "/quote BTC",
    "bad-window": "/movers crypto 2w",
    "unknown-verb": "/mover",
    "no-permission": "/sub #crypto here",
}


@pytest.mark.parametrize("name", ASKED)
async def test_reply_in_english(ann: Person, name: str) -> None:
    """The English reply is the reviewed one, to the letter."""
    asker = ann.viewer().at("telegram:-100") if name == "no-permission" else ann
    assert (GOLDEN / f"{name}.en.txt").read_text(encoding="utf-8") == await asker.read(ASKED[name]) + "\n"


@pytest.mark.parametrize("name", ASKED)
async def test_reply_in_chinese(li: Person, name: str) -> None:
    """The Chinese reply is the reviewed one, to the letter."""
    asker = li.at("telegram:-100") if name == "no-permission" else li
    assert (GOLDEN / f"{name}.zh.txt").read_text(encoding="utf-8") == await asker.read(ASKED[name]) + "\n"
