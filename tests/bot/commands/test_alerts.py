"""Personal alerts: what is understood, how near it is, and whose it is."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from adapters.clock import SteppingClock
from bot.alerts.incidents import Numbering, documents_of
from bot.alerts.messages import compose
from bot.alerts.notices import Incident
from bot.commands.context import Desk
from bot.commands.handler import Commands
from bot.reference.recording import END, START
from bot.routing.subscriptions import subscriptions
from bot.rulebook import personal
from rules.engine import Engine
from rules.model import Observation, Status, TransitionKind
from tests.bot.commands.conftest import Person, shown


@pytest.mark.parametrize(
    ("typed", "when"),
    [
        # An expression of the rule language is taken as it is.
        ("NVDA > 140", "NVDA > 140"),
        ("英伟达 > 140", "英伟达 > 140"),
        ("rel(SOX, NDX, this_week) <= -2pp", "rel(SOX, NDX, this_week) <= -2pp"),
        ('"^SOX" < 4900', '"^SOX" < 4900'),
        # Where the day's highs are known, a touch between two closes counts; the side is where the price isn't.
        ("BTC crosses 73k", "crosses_up(high(BTC), 73k)"),
        ("BTC crosses 65,000", "crosses_down(low(BTC), 65000)"),
        ("比特币 突破 7.3万", "crosses_up(high(BTC), 73000)"),
        ("BTC跌破65k", "crosses_down(low(BTC), 65k)"),
        ("bitcoin 73k", "crosses_up(high(BTC), 73k)"),
        # Without them, the price itself crosses.
        ("^SOX below 4,900", "crosses_down(SOX, 4900)"),
        ("0863.HK ≥ 7.5", '"0863.HK" >= 7.5'),
        # Moves are of a day unless a window is said.
        ("英伟达 跌 5%", "ret(NVDA, 1d) <= -5%"),
        ("英伟达涨5%", "ret(NVDA, 1d) >= 5%"),
        ("NVDA down 5% week", "ret(NVDA, this_week) <= -5%"),
        ("NVDA up 30% ytd", "ret(NVDA, this_year) >= 30%"),
        ("nvidia moves 8%", "abs(ret(NVDA, 1d)) >= 8%"),
    ],
)
async def test_what_is_typed_is_understood_as_a_rule(ann: Person, documents, universe, calendars, typed, when) -> None:
    """Short forms and expressions become a condition that the engine compiles."""
    await ann.ask(f"/alert {typed}")
    (alert,) = await personal.of(documents, "telegram:2")
    assert when == alert.when
    assert Engine([alert.spec()], universe, calendars).programs[0].spec.id == alert.rule_id


async def test_the_reply_shows_meaning_distance_past_and_undo(ann: Person) -> None:
    """All of it at once, so that nobody has to ask again."""
    text = await ann.read("/alert BTC crosses 73k")
    key = personal.alert_id("telegram:2", "crosses_up(high(BTC), 73k)", repeats=False)
    assert text == (
        f"🔔 BTC crosses 73k · {key}\n"
        "Understood: crosses_up(high(BTC), 73k)\n"
        "$69,482 → $73,000: 5.1% away\n"
        "Would have fired 1× (29 Oct 2024) on what is known since 24 Oct 2024\n"
        "Once, until 31 Jan 2025; told to you alone\n"
        "As known at 2 Nov 02:00 UTC\n"
        "[↩ Undo] [My alerts]"
    )


async def test_the_reply_in_chinese(li: Person) -> None:
    """The same in Chinese, with points as pct."""
    text = await li.read("/alert 英伟达 跌 5% 重复")
    key = personal.alert_id("telegram:3", "ret(NVDA, 1d) <= -5%", repeats=True)
    assert text == (
        f"🔔 英伟达 跌 5% · {key}\n"
        "已理解为：ret(NVDA, 1d) <= -5%\n"
        "+2.0% → -5.0%：还差 7.0pct\n"
        "按 2023-12-29 以来的数据，共会触发 0 次\n"
        "每次满足都提醒；有效期至 2025-01-31；只发给您本人\n"
        "数据截至北京时间 11-02 10:00\n"
        "[↩ 撤销] [我的提醒]"
    )


@pytest.mark.parametrize(
    ("typed", "start"),
    [
        ("", "You have no alerts. e.g. /alert NVDA > 140"),
        ("NVDIA > 140", '❓ No "NVDIA". Did you mean NVDA (Nvidia)?'),
        ("hello world", "✋ Not understood at character 7"),
        ("NVDA + 5", "✋ Not understood at character 1: a condition is wanted"),
        ("NVDA > 140 HKD", "✋ Not understood at character"),
        ("NVDA > 140 until 2020-01-01", "✋ 2020-01-01 is out of range"),
        ("NVDA > 140 until 2024-13-01", "✋ 2024-13-01 is not a date"),
        ("NVDA " + "> 1 and NVDA " * 60, "✋ That is too long"),
    ],
)
async def test_what_is_not_understood_is_explained(ann: Person, documents, typed: str, start: str) -> None:
    """Where the mistake is, what is wanted, and an example; nothing is kept."""
    assert (await ann.read(f"/alert {typed}")).startswith(start)
    assert [] == list(await personal.of(documents, "telegram:2"))


async def test_asking_twice_is_asking_once(ann: Person, documents) -> None:
    """The same words again neither add an alert nor a subscription."""
    await ann.ask("/alert NVDA > 140 repeat")
    await ann.ask("/alert NVDA > 140 repeat")
    assert 1 == len(await personal.of(documents, "telegram:2"))
    assert ["telegram:2"] == [item.destination for item in await subscriptions(documents).all()]


async def test_alerts_are_listed_nearest_first(ann: Person) -> None:
    """What is true comes first, then by distance, each with a button that ends it."""
    for wish in ("NVDA > 200", "NVDA > 140", "NVDA > 100"):
        await ann.ask(f"/alert {wish}")
    lines = (await ann.read("/alerts")).split("\n")
    assert [line.split(" · ", 1)[1] for line in lines[1:4]] == [
        "true right now",
        "135.40 → 140.00: 3.4% away",
        "135.40 → 200.00: 47.7% away",
    ]
    assert lines[-1] == "[✕ NVDA > 100] [✕ NVDA > 140] [✕ NVDA > 200]"


_MARKS = {"readers", "rule_changes", personal.CHANGES}


async def test_undo_ends_the_alert_and_its_subscription(ann: Person, documents) -> None:
    """The button under the confirmation leaves nothing behind, however often it is pressed."""
    reply = await ann.ask("/alert NVDA > 140")
    undo = reply.message.buttons[0][0].data
    assert "✅ 1 ended: NVDA > 140" in (await ann.press(undo)).message.summary
    assert "There is no such alert" in (await ann.press(undo)).toast
    assert {} == {key: text for key, text in documents.documents.items() if key[0] not in _MARKS}


async def test_nobody_ends_anothers_alert(ann: Person, documents) -> None:
    """A button that is pressed by somebody else does nothing."""
    undo = (await ann.ask("/alert NVDA > 140")).message.buttons[0][0].data
    await ann.viewer().press(undo)
    await ann.viewer().ask("/unalert all")
    assert 1 == len(await personal.of(documents, "telegram:2"))


async def test_a_person_keeps_no_more_alerts_than_the_limit(desk: Desk, ann: Person) -> None:
    """The limit is the desk's, per person."""
    asker = replace(ann, commands=Commands(replace(desk, most_alerts=2)))
    for level in (140, 141):
        await asker.ask(f"/alert NVDA > {level}")
    assert await asker.read("/alert NVDA > 142") == "✋ You have 2 alerts, which is the most; /alerts ends some."
    assert (await asker.read("/alert NVDA > 141")).startswith("🔔 NVDA > 141")


async def test_an_expired_alert_is_not_listed(ann: Person, desk: Desk, documents) -> None:
    """What is over doesn't count as watched."""
    await ann.ask("/alert NVDA > 140 until 1d")
    (alert,) = await personal.of(documents, "telegram:2")
    await personal.keep(documents, replace(alert, expires_at=desk.clock.now()))
    assert (await ann.read("/alerts")).startswith("You have no alerts")


async def test_living_alerts_run_and_broken_or_expired_ones_do_not_stop_them(
    ann: Person, desk: Desk, documents, universe, calendars
) -> None:
    """What the engine is given compiles and hasn't ended."""
    await ann.ask("/alert NVDA > 140 repeat")
    (alert,) = await personal.everyones(documents)
    await personal.keep(documents, replace(alert, id="P-2", when="GONE > 1"))
    await personal.keep(documents, replace(alert, id="P-3", expires_at=desk.clock.now()))
    await documents.put(personal.COLLECTION, "P-4", "{not json")
    found = await personal.living(documents, universe, calendars, desk.clock.now())
    assert [alert.rule_id] == [spec.id for spec in found]


async def test_a_personal_alert_fires_in_the_engine_and_reads_like_one(
    ann: Person, documents, universe, calendars, week
) -> None:
    """The production engine runs it over the recorded week: once, with its owner's words."""
    await ann.ask("/alert BTC crosses 73k")
    (alert,) = await personal.everyones(documents)
    engine = Engine([alert.spec()], universe, calendars)
    state = engine.seed(engine.initial_state(START), week.history)
    _, told = engine.advance(state, week.observations, END)
    (fired,) = [item for item in told if item.kind is TransitionKind.FIRED]
    assert (alert.rule_id, 73577.21) == (fired.rule, fired.value)
    message = compose([Incident("A-1001", fired)], "en", universe)
    assert message.summary.startswith("BTC crosses 73k")


async def test_who_waits_for_flows_is_told_once_when_they_are_out(
    desk: Desk, documents, universe, calendars, week
) -> None:
    """The button under figures that aren't out sets an alert that fires when every fund has reported, not before."""
    now = datetime(2024, 11, 5, 1, tzinfo=UTC)
    ann = Person(Commands(replace(desk, clock=SteppingClock(now))))
    waiting = await ann.ask("/flows")
    assert "⏳ 4 Nov not out yet" in waiting.message.summary + shown(waiting)
    reply = await ann.press(waiting.message.buttons[1][0].data)
    assert "🔔 You will be told when BTC ETF flows of 4 Nov are out." == reply.toast
    (alert,) = await personal.everyones(documents)
    engine = Engine([alert.spec()], universe, calendars)
    state = engine.seed(engine.initial_state(now), week.observations)
    close, told = calendars.get("XNYS").close(date(2024, 11, 4)), []
    for hours, status, flow in ((3, Status.PENDING, None), (4, Status.PROVISIONAL, -5e6), (9, Status.FINAL, -20e6)):
        at = now + timedelta(hours=hours)
        seen = Observation("etf_flows.BTC.total", close, at, flow, status, "farside")
        state, transitions = engine.advance(state, [seen], at)
        told.append([item.kind for item in transitions])
    assert [[], [], [TransitionKind.FIRED]] == told


async def test_asking_twice_to_be_told_is_asking_once(desk: Desk, documents) -> None:
    """A button that is pressed again changes nothing."""
    ann = Person(Commands(replace(desk, clock=SteppingClock(datetime(2024, 11, 5, 1, tzinfo=UTC)))))
    for _ in range(2):
        await ann.press("flows:btc:notify")
    assert 1 == len(await personal.everyones(documents))


async def test_the_desks_own_series_can_be_named(ann: Person, documents, universe, calendars) -> None:
    """ETF flows and fear and greed by the names that the packs give them."""
    text = await ann.read("/alert BTC_ETF < 0 USD repeat")
    assert "Would have fired 2× (22 Oct 2024, 1 Nov 2024)" in text
    (alert,) = await personal.everyones(documents)
    assert ["BTC_ETF"] == list(alert.series)
    assert Engine([alert.spec()], universe, calendars).programs


async def test_an_alert_of_ones_own_is_nobody_elses_business(ann: Person, desk: Desk, documents, fired_own) -> None:
    """Not its reasons, nor its picture, nor who looks after it; not even for an admin."""
    number = fired_own
    assert "Why A-" in await ann.read(f"/why {number}")
    for other in (ann.viewer(), replace(ann, id="telegram:1")):
        for line in (f"/why {number}", f"/chart {number}", f"/ack {number}", f"/mute {number}"):
            said = await other.read(line)
            assert said.startswith(("❓ No alert", "🔒")), said


@pytest.fixture
async def fired_own(ann: Person, documents, universe, calendars, week) -> str:
    """The number of an alert of Ann's that fired."""
    await ann.ask("/alert BTC-USD > 70000 repeat")
    (alert,) = await personal.everyones(documents)
    engine = Engine([alert.spec()], universe, calendars)
    state = engine.seed(engine.initial_state(START), week.history)
    told = [t for t in engine.advance(state, week.observations, END)[1] if t.kind is TransitionKind.FIRED]
    entered = Numbering().enter(told[:1])
    for (collection, key), text in (await documents_of(entered, documents)).items():
        await documents.put(collection, key, text)
    return entered.incidents[0].number


@pytest.mark.parametrize("options", ["repeat until 30d", "until 30d repeat", "重复 至 30d", "到期 30d 重复"])
async def test_options_come_in_any_order(ann: Person, documents, options: str) -> None:
    """Behind the condition, in either language."""
    await ann.ask(f"/alert NVDA > 140 {options}")
    (alert,) = await personal.everyones(documents)
    assert ("NVDA > 140", True, END + timedelta(days=30)) == (alert.when, alert.repeats, alert.expires_at)


@pytest.mark.parametrize(("typed", "meant"), [("英伟", "NVDA"), ("纳指", "^NDX"), ("亚马", "AMZN")])
async def test_the_beginning_of_a_chinese_name_is_enough(li: Person, typed: str, meant: str) -> None:
    """As analysts shorten them."""
    assert meant in (await li.read(f"/quote {typed}")).split("\n")[0]
