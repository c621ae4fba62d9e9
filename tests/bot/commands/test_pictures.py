"""Pictures that answer commands, and the words beside them."""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from adapters.chat.port import Reply
from bot.alerts.incidents import Numbering, documents_of
from bot.charts.fires import Marked, fired_line
from bot.charts.gallery import Gallery
from bot.charts.render import rendered
from bot.charts.svg import Frame, plain_palette
from bot.commands.handler import Commands
from bot.reference.recording import END, START
from rules.engine import Engine
from rules.loading.loader import PACKS, load_packs
from rules.model import Observation, TransitionKind
from tests.bot.commands.conftest import Person, known, shown


def is_png(reply: Reply) -> bool:
    """Whether exactly one picture is attached, and can be read."""
    (attachment,) = reply.message.attachments
    return Path(attachment.path).read_bytes().startswith(b"\x89PNG") and bool(attachment.alt)


@pytest.mark.parametrize(
    "line",
    ["/fng", "/replay btc-73k 1mo", "/replay week-move-10 3mo", "/replay btc-etf-outflow", "/chart BTC-USD alerts"],
)
@pytest.mark.parametrize("lang", ["en", "zh"])
async def test_it_comes_with_a_picture(ann: Person, line: str, lang: str) -> None:
    """In either language."""
    assert is_png(await replace(ann, lang=lang).ask(line))


async def test_fear_and_greed_over_time_is_a_line(desk, universe, calendars, week) -> None:
    """With more than one day known, the picture shows them, and the table the extremes."""
    view = known(universe, calendars, week)
    days = [END - timedelta(days=back, hours=4) for back in range(10, 1, -1)]
    name = "fear_greed.coinmarketcap.value"
    view.apply([Observation(name, at, at, 40.0 + at.day, source="CoinMarketCap") for at in days])
    reply = await Person(Commands(replace(desk, market=view))).ask("/fng 30d")
    assert "fear-greed-30d.png" == reply.message.attachments[0].name
    assert "High" in shown(reply)


async def test_replay_tells_what_the_rearm_band_held_back(ann: Person) -> None:
    """The basis, how many fired on closes alone, and what was only touched within a day."""
    text = await ann.read("/replay btc-73k 1mo")
    assert "On intraday extremes (on closes alone: 0×)." in text
    assert "intraday only" in text
    assert "data gaps 0" in text


async def test_replay_counts_raw_crossings(ann: Person, desk, universe, calendars, week) -> None:
    """A level that is crossed to and fro counts once with its re-arm band, each time without."""
    view = known(universe, calendars, week)
    closes = [72_900.0, 73_100.0, 72_950.0, 73_200.0, 70_000.0, 73_300.0]
    days = [END - timedelta(days=back) for back in range(30, 24, -1)]
    view.apply(
        [
            Observation(f"prices.BTC-USD.{name}", at, at, close, source="Test")
            for at, close in zip(days, closes, strict=True)
            for name in ("open", "high", "low", "close")
        ]
    )
    text = await Person(Commands(replace(desk, market=view))).read("/replay btc-73k 3mo")
    assert "Would have fired 3× (without re-arming, cooldown and once-per: 4×)" in text


async def test_a_chart_with_alerts_marks_them_and_their_thresholds(ann: Person) -> None:
    """The rule is named beside its session."""
    text = await ann.read("/chart BTC-USD 3mo alerts")
    assert "Rules would have fired here 1× on what is known today" in text
    assert "• 29 Oct btc-73k" in text


async def test_ones_own_alert_is_marked_on_ones_own_chart_alone(ann: Person) -> None:
    """In a group nobody's own is shown."""
    await ann.ask("/alert BTC-USD > 72000 repeat")
    alone, group = await ann.read("/chart BTC-USD alerts"), await ann.at("telegram:-100").read("/chart BTC-USD alerts")
    assert ("my-p-" in alone, "my-p-" in group) == (True, False)


@pytest.fixture
async def numbers(documents, universe, calendars, week) -> dict[str, str]:
    """The numbers of the week's alerts by rule."""
    engine = Engine(load_packs([PACKS], universe).rules, universe, calendars)
    state = engine.seed(engine.initial_state(START), week.history)
    fired = [t for t in engine.advance(state, week.observations, END)[1] if t.kind is TransitionKind.FIRED]
    entered = Numbering().enter(fired)
    for (collection, key), text in (await documents_of(entered, documents)).items():
        await documents.put(collection, key, text)
    return {item.transition.rule: item.number for item in entered.incidents}


@pytest.mark.parametrize("rule", ["btc-73k", "sox-lags-ndx", "btc-etf-outflow", "week-move-10"])
async def test_an_alerts_chart_button_draws_what_it_was_about(ann: Person, numbers: dict[str, str], rule: str) -> None:
    """A price, a spread, flows or many moves, beside the alert and not over it."""
    reply = await ann.press(f"chart:{numbers[rule]}")
    assert (is_png(reply), reply.edit) == (True, False)


async def test_an_unknown_alert_has_no_chart(ann: Person) -> None:
    """It is said, as for any other command."""
    assert (await ann.read("/chart A-9999")).startswith('❓ No alert "A-9999"')


def test_thresholds_stretch_the_axis() -> None:
    """A level above every close is on the picture, with its words; the axis has whole numbers."""
    days = np.array(["2024-10-28", "2024-10-29"], dtype="datetime64[D]")
    frame = Frame(400, "t", "", "", plain_palette())
    closes, levels = np.array([69_000.0, 72_000.0]), [(75_000.0, "rule 75,000")]
    svg = fired_line(frame, days, closes, [Marked(1, None, "x")], levels=levels)
    assert ("rule 75,000" in svg, "75,000</text>" in svg, "e+04" in svg) == (True, True, False)


@pytest.mark.parametrize("line", ["/fng", "/replay btc-73k 1mo", "/chart NVDA"])
async def test_an_answer_whose_picture_fails_is_still_given(ann: Person, li: Person, line: str, tmp_path: Path) -> None:
    """A process that hangs over the drawing is killed; the words come without a picture, and say so."""
    hangs = (sys.executable, "-c", "import time; time.sleep(60)")
    gallery = Gallery(tmp_path, partial(rendered, deadline_s=0.2, command=hangs))
    commands = Commands(replace(ann.commands._desk, pictures=gallery))
    english, chinese = [await replace(asker, commands=commands).ask(line) for asker in (ann, li)]
    assert ((), ()) == (english.message.attachments, chinese.message.attachments)
    assert "🩺 The picture could not be drawn just now." in shown(english)
    assert "🩺 图片暂时无法生成。" in shown(chinese)
    assert len(shown(english).splitlines()) > 3


async def test_no_more_than_two_pictures_are_drawn_at_once(tmp_path: Path) -> None:
    """When many people ask, the machine is left for the others; the same drawing is drawn once."""
    working, most, drawn = 0, 0, []

    async def render(svg: str) -> bytes:
        nonlocal working, most
        working += 1
        most = max(most, working)
        await asyncio.sleep(0)
        working -= 1
        drawn.append(svg)
        return b"\x89PNG"

    gallery = Gallery(tmp_path, render)
    await asyncio.gather(*(gallery.keep(f"<svg>{index % 10}</svg>") for index in range(20)))
    await gallery.keep("<svg>0</svg>")
    assert (2, 10) == (most, len(set(drawn)))
    assert 10 == len(list(tmp_path.glob("*.png")))
