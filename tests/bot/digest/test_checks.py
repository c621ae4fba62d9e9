"""Each check finds its kind of slip, and is silent without it."""

from datetime import date

import pytest

from bot.digest.data import Imported, ImportedMove
from bot.digest.markets import looks_like_split
from rules.universe import Universe
from tests.bot.digest.kit import close, digest_of, flow

DAY = date(2024, 11, 1)
BASE = date(2024, 10, 25)


def _moved(symbol: str, percent: float) -> list:  # type: ignore[type-arg]
    return [close(symbol, BASE, 100.0), close(symbol, DAY, 100.0 + percent)]


def _listed(*moves: str) -> Imported:
    lines = tuple(ImportedMove(f"X{n}", {"en": "x", "zh": "x"}, move) for n, move in enumerate(moves))
    return Imported(
        "Wind", DAY, lines if not moves[0].startswith("-") else (), lines if moves[0].startswith("-") else ()
    )


@pytest.mark.parametrize(
    ("percent", "listed", "found"),
    [
        (13.1, ("10", "5"), True),  # more than the last line
        (5.4, ("10", "5"), False),  # what rounds to the last line may stand behind it
        (5.6, ("10", "5"), True),
        (4.0, ("10", "5"), False),
        (-12.5, ("-45", "-13"), False),
        (-13.6, ("-45", "-13"), True),
        (13.6, ("-45", "-13"), False),  # a rise is not missing from a list of losers
    ],
)
def test_a_mover_that_an_imported_list_lacks(
    universe: Universe, percent: float, listed: tuple[str, ...], found: bool
) -> None:
    """The list's own rounding is granted."""
    digest = digest_of(universe, _moved("NVDA", percent), imported=_listed(*listed))
    assert [finding.code for finding in digest.findings] == (["mover-missing"] if found else [])


@pytest.mark.parametrize(
    ("total", "found"),
    [(30.0, False), (30.1, True), (29.9, True), (30.04, False)],
)
def test_funds_that_do_not_sum_to_the_days_total(universe: Universe, total: float, found: bool) -> None:
    """The difference is told with what each fund says."""
    observations = [flow(DAY, 10.0, fund="IBIT"), flow(DAY, 20.0, fund="FBTC"), flow(DAY, total)]
    findings = [finding for finding in digest_of(universe, observations).findings if finding.code == "sum"]
    assert bool(findings) is found
    if found:
        assert [line["zh"] for line in findings[0].evidence] == ["IBIT 10.0", "FBTC 20.0"]


def test_tables_of_another_week_are_left_out(universe: Universe) -> None:
    """A list of the week before is neither shown nor checked against."""
    old = Imported("Wind", BASE, _listed("10", "5").gainers, header_currency={16: "USD"})
    digest = digest_of(universe, [*_moved("NVDA", 13.1), close("0863.HK", DAY, 6.94, "XHKG")], imported=old)
    assert digest.findings == ()
    assert "Wind" not in str(digest.to_dict()["figures"]["2"])


def test_a_header_in_one_currency_over_rows_in_another(universe: Universe) -> None:
    """Hong Kong rows under a dollar header are named; a header that fits is not."""
    observations = [*_moved("COIN", 1.0), close("0863.HK", DAY, 6.94, "XHKG")]
    wrong = digest_of(universe, observations, imported=Imported("Wind", DAY, header_currency={16: "USD"}))
    (finding,) = wrong.findings
    assert finding.code == "header-currency"
    assert finding.evidence[0]["en"] == "0863.HK close 6.94 HKD, header USD · Wind"
    assert finding.evidence[0]["zh"] == "0863.HK 收盘 6.94 HKD，表头 USD · Wind"
    assert digest_of(universe, observations, imported=Imported("Wind", DAY)).findings == ()


@pytest.mark.parametrize(
    ("change", "split"),
    [
        (-50.0, True),
        (100.5, True),
        (-90.1, True),
        (-66.6, True),
        (-44.9, False),
        (13.1, False),
        (-25.0, False),
        (900, True),
    ],
)
def test_moves_that_look_like_splits(change: float, split: bool) -> None:
    """Two for one and ten for one are flagged; SMCI's -44.9% is a fall."""
    assert looks_like_split(change) is split
