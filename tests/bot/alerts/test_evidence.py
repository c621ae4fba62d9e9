from dataclasses import replace

from adapters.message import Colour, Message, Reader
from adapters.rendering.plain import plain_text
from bot.alerts.evidence import Evidence
from bot.market.view import MarketView
from bot.reference.recording import recording
from rules.calendars.sessions import Calendars
from rules.loading.universe_file import load_universe
from rules.model import Lang, Observation, Status, TransitionKind
from tests.bot.routing_kit import transition

UNIVERSE = load_universe()
WEEK = recording(UNIVERSE)
FLOW = replace(transition("outflow"), series=("etf_flows.BTC.total",))
SOX = replace(transition("sox"), series=("prices.^NDX.close", "prices.^SOX.close"))


def market_at_the_end() -> MarketView:
    view = MarketView(UNIVERSE, Calendars())
    view.apply((*WEEK.history, *WEEK.observations))
    return view


def shown(blocks: tuple[object, ...], lang: Lang) -> list[str]:
    message = Message(summary="", title=(), blocks=blocks)  # type: ignore[arg-type]
    return plain_text(message, Reader(lang=lang, colour=Colour.NONE)).splitlines()


def test_a_flow_is_told_with_its_run_its_week_and_its_funds() -> None:
    """The outflow of 1 November ended seven days of inflow worth 3.06bn, in a week of +2.22bn; six funds lost money."""
    assert shown(Evidence(market_at_the_end()).blocks(FLOW, "en"), "en") == [
        "▼ ends a 7-session inflow run worth +$3.06B · week +$2.22B",
        "$M · *Grayscale Bitcoin Mini Trust · IBIT and 3 others flat",
        "FBTC  -25.6",
        "ARKB  -24.1",
        "HODL   -5.9",
        "BITB   -5.6",
        "GBTC   -5.5",
        "BRRR   -1.7",
        "BTC*  +13.5",
    ]


def test_a_fund_that_has_not_reported_is_not_a_fund_without_flow() -> None:
    """What is unknown is counted apart from what is zero."""
    view = market_at_the_end()
    day = view.latest("etf_flows.BTC.total")
    assert day is not None
    for fund in ("IBIT", "EZBC"):
        pending = Observation(f"etf_flows.BTC.{fund}", day.at, WEEK.end, None, Status.PENDING, "Farside")
        view.apply([pending])
    caption = [shown(Evidence(view).blocks(FLOW, lang), lang)[1].split(" · ", 2)[2] for lang in ("en", "zh")]
    assert [
        "BTCO and 1 other flat · IBIT and 1 other not reported yet",
        "BTCO 等 2 只为 0 · IBIT 等 2 只尚未披露",
    ] == caption


def test_drivers_are_those_that_moved_the_alerts_way() -> None:
    """What leads an index up is told when it leads."""
    leads = replace(SOX, value=0.021)
    assert (
        "Up most in coverage this week: Marvell ▲ +3.9% · Intel ▲ +2.3%"
        in shown(Evidence(market_at_the_end()).blocks(leads, "en"), "en")[1]
    )


def test_an_index_is_told_with_its_level_and_its_drivers() -> None:
    """Semiconductors of the coverage explain the SOX, the weakest first, in the reader's language."""
    assert shown(Evidence(market_at_the_end()).blocks(SOX, "zh"), "zh") == [
        "纳斯达克100 20033.1 · 费城半导体 5001.4",
        "本周覆盖标的跌幅居前：超威半导体 ▼ -9.2% · 英伟达 ▼ -4.3% · 高通 ▼ -2.9%",
    ]


def test_what_is_not_known_is_not_told() -> None:
    """An empty market gives no evidence, and neither does an alert that ends."""
    empty = Evidence(MarketView(UNIVERSE, Calendars()))
    assert [empty.blocks(each, "en") for each in (FLOW, SOX)] == [(), ()]
    resolved = replace(FLOW, kind=TransitionKind.RESOLVED)
    assert Evidence(market_at_the_end()).blocks(resolved, "en") == ()
