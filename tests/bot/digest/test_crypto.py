"""The crypto market: one provider, own snapshots, each provider's own bands."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta

import pytest

from adapters.message import Reader
from bot.digest import html
from bot.digest.crypto import fear_greed_label
from rules.model import Observation
from rules.universe import Universe
from tests.bot.digest.kit import digest_of


def snapshots(
    field: str, first: date, last: date, value: float, provider: str = "coinmarketcap"
) -> Iterator[Observation]:
    """One figure a UTC day."""
    for n in range((last - first).days + 1):
        at = datetime.combine(first + timedelta(days=n), time(23, 59, 59), UTC)
        yield Observation(f"crypto.{provider}.{field}", at, at, value, source="CoinMarketCap")


@pytest.mark.parametrize(
    ("provider", "score", "label"),
    [
        ("coinmarketcap", 0, "Extreme fear"),
        ("coinmarketcap", 20, "Fear"),
        ("coinmarketcap", 59, "Neutral"),
        ("coinmarketcap", 60, "Greed"),
        ("coinmarketcap", 100, "Extreme greed"),
        ("alternative_me", 25, "Extreme fear"),
        ("alternative_me", 46, "Fear"),
        ("alternative_me", 54, "Neutral"),
        ("alternative_me", 59, "Greed"),
        ("alternative_me", 76, "Extreme greed"),
    ],
)
def test_bands_are_each_providers_own(provider: str, score: float, label: str) -> None:
    """59 is neutral to one and greed to the other."""
    assert fear_greed_label(provider, score)["en"] == label


def test_the_years_volume_is_summed_only_when_every_day_is_stored(universe: Universe) -> None:
    """306 days up to 1 November 2024, and as many of the year before for the growth."""
    year = [*snapshots("volume", date(2024, 1, 1), date(2024, 11, 1), 2e9)]
    before = [*snapshots("volume", date(2023, 1, 1), date(2023, 11, 2), 1e9)]
    whole = digest_of(universe, [*year, *before]).facts
    assert (whole["crypto.volume_ytd"].value, whole["crypto.volume_ytd_yoy_pct"].value) == (306 * 2e9, 100.0)
    without = digest_of(universe, year).facts
    assert (without["crypto.volume_ytd"].value, without["crypto.volume_ytd_yoy_pct"].value) == (306 * 2e9, None)
    gap = digest_of(universe, year[1:])
    assert gap.figures[14].missing == {
        "en": "daily volumes of 2024 are not all stored",
        "zh": "2024 年每日成交额存档不全",
    }


def test_another_providers_figure_never_stands_in(universe: Universe) -> None:
    """CoinGecko's week before is no base for CoinMarketCap's Friday."""
    friday = snapshots("market_cap", date(2024, 11, 1), date(2024, 11, 1), 2e12)
    base = snapshots("market_cap", date(2024, 10, 25), date(2024, 10, 25), 1e12, "coingecko")
    facts = digest_of(universe, [*friday, *base]).facts
    assert facts["crypto.market_cap"].value == 2e12
    assert facts["crypto.market_cap.week_pct"].value is None


@pytest.mark.parametrize(("days", "drawn"), [(2, False), (7, True)])
def test_a_line_is_drawn_from_a_week_of_snapshots_on(universe: Universe, days: int, drawn: bool) -> None:
    """Before, the figure says how many there are."""
    last = date(2024, 11, 1)
    digest = digest_of(universe, snapshots("market_cap", last - timedelta(days=days - 1), last, 2e12))
    page = html.render(digest, Reader())
    assert ("2 daily snapshots are stored so far" in page) is not drawn
    assert ('id="f13w516market_cap-t"' in page) is drawn
