"""The digest of the reference week reproduces every printed number and finds the printed slips."""

from decimal import Decimal
from typing import Any

import pytest

from bot.digest import Digest
from bot.digest.companies import Quarter
from bot.reference import tables
from rules import numbers

COMPANY_FIGURES = {"GOOGL": "8", "META": "9", "AMZN": "10", "MSFT": "11"}
INDEX_KEYS = {
    "^GSPC": "SPX",
    "^NDX": "NDX",
    "^SOX": "SOX",
    "^HSI": "HSI",
    "HSTECH.HK": "HSTECH",
    "8884057.WI": "TAMAMA",
    "931734.CSI": "CSI_TECH",
}


def printed(value: float, text: str) -> str:
    """``value`` with as many decimals as ``text``, which was printed."""
    exponent = Decimal(text).as_tuple().exponent
    return numbers.number(value, -int(exponent) if isinstance(exponent, int) and exponent < 0 else 0)


def same(value: float | None, text: str) -> None:
    """``value`` prints as ``text`` did."""
    assert value is not None
    assert Decimal(printed(value, text)) == Decimal(text)


def _row(document: dict[str, Any], figure: str, symbol: str) -> dict[str, Any]:
    rows: list[dict[str, Any]] = document["figures"][figure]["rows"]
    return next(row for row in rows if row["symbol"] == symbol)


@pytest.mark.parametrize("close", tables.closes(), ids=lambda close: close.symbol)
def test_figures_1_4_and_16_hold_every_printed_close_and_change(document: dict[str, Any], close: tables.Close) -> None:
    """Level, market cap in the row's currency, and the changes of week, month and year."""
    row = _row(document, {"index": "1", "coverage": "4", "crypto": "16"}[close.list], close.symbol)
    assert row["close"] == float(close.close)
    for period in ("week", "month", "year"):
        same(row[f"{period}_pct"], getattr(close, f"{period}_pct"))
    if close.market_cap_100m:
        same(row["market_cap"] / 1e8, close.market_cap_100m)
        assert row["currency"] == close.currency


@pytest.mark.parametrize(("figure", "side"), [("2", "gainers"), ("3", "losers")])
def test_figures_2_and_3_show_the_imported_list_beside_the_coverages_own(
    document: dict[str, Any], figure: str, side: str
) -> None:
    """Both lists are named, and the imported one is as printed."""
    rows = document["figures"][figure]["rows"]
    wider = [(row["symbol"], row["week_pct"]) for row in rows if "Wind" in row["group"]["en"]]
    assert wider == [(line["symbol"], float(line["week_pct"])) for line in tables.printed()["movers"][side]]
    own = [row["symbol"] for row in rows if row["group"]["en"] == "Coverage (31)"]
    assert own[0] == {"2": "1415.HK", "3": "SMCI"}[figure]
    assert len(own) == 5


@pytest.mark.parametrize("row", tables.quarters(), ids=lambda row: f"{row['symbol']}-{row['quarter']}")
def test_figures_8_to_11_hold_every_printed_quarter(document: dict[str, Any], row: dict[str, str]) -> None:
    """Revenue, net income and capex in 100 m USD, gross margin in percent."""
    lines = {line["line"]["en"]: line for line in document["figures"][COMPANY_FIGURES[row["symbol"]]]["rows"]}
    names = (("Revenue", "revenue"), ("Net income", "net_income"), ("Capital expenditure", "capex"))
    for title, name in names:
        same(lines[title][row["quarter"]] / 1e8, row[name])
    same(lines["Gross margin"][row["quarter"]], row["gross_margin_pct"])


@pytest.mark.parametrize("row", tables.capex(), ids=lambda row: f"{row['symbol']}-{row['quarter']}")
def test_figure_7_holds_every_printed_capex(document: dict[str, Any], row: dict[str, str]) -> None:
    """From the table of its own, not from the companies' tables of other precision."""
    key = {"3Q24": "now", "2Q24": "previous", "3Q23": "year_ago"}[row["quarter"]]
    same(_row(document, "7", row["symbol"])[key] / 1e8, row["capex"])


@pytest.mark.parametrize(
    ("symbol", "yoy", "qoq"), [("MSFT", "50", "8"), ("GOOGL", "62", "-1"), ("AMZN", "88", "30"), ("META", "26", "1")]
)
def test_figure_7_computes_the_printed_growth(document: dict[str, Any], symbol: str, yoy: str, qoq: str) -> None:
    """Year on year and quarter on quarter, rounded once."""
    row = _row(document, "7", symbol)
    same(row["yoy_pct"], yoy)
    same(row["qoq_pct"], qoq)


@pytest.mark.parametrize("row", tables.cloud(), ids=lambda row: row["symbol"])
def test_figures_5_and_6_hold_the_printed_cloud_revenue(document: dict[str, Any], row: dict[str, str]) -> None:
    """Revenue in 100 m USD and its growth."""
    same(_row(document, "5", row["symbol"])["revenue"] / 1e8, row["revenue"])
    for name in ("yoy_pct", "qoq_pct"):
        same(_row(document, "6", row["symbol"])[name], row[name])


def test_figures_13_and_14_hold_the_printed_crypto_market(document: dict[str, Any]) -> None:
    """Market cap, the week before, volume, their ratio, and the year's volume with its growth."""
    printed_ = tables.crypto()
    values = {row["line"]["en"]: row["value"] for row in document["figures"]["13"]["rows"]}
    same(values["Total market cap"] / 1e12, str(printed_["market_cap_usd_tn"]))
    same(values["A week before"] / 1e12, str(printed_["market_cap_previous_week_usd_tn"]))
    same(values["24 h volume"] / 1e8, str(printed_["volume_usd_100m"]))
    same(values["Volume / market cap"], str(printed_["volume_to_market_cap_pct"]))
    (year,) = document["figures"]["14"]["rows"]
    same(year["total"] / 1e12, str(printed_["volume_ytd_usd_tn"]))
    same(year["yoy_pct"], str(printed_["volume_ytd_yoy_pct"]))


def test_figure_15_names_the_provider_and_its_word(document: dict[str, Any]) -> None:
    """CoinMarketCap calls 59 neutral, alternative.me would call it greed."""
    (row,) = document["figures"]["15"]["rows"]
    assert (row["provider"], row["score"], row["label"]["en"]) == ("CoinMarketCap", 59.0, "Neutral")


def test_figure_17_holds_every_printed_flow(document: dict[str, Any]) -> None:
    """Each fund and day, and the total, in USD m."""
    rows = {row["day"]: row for row in document["figures"]["17"]["rows"] if isinstance(row["day"], str)}
    expected = tables.flows()
    assert sorted(rows) == [day.isoformat() for day in expected]
    for day, flows in expected.items():
        for fund, text in flows.items():
            same(rows[day.isoformat()][fund] / 1e6, text)


@pytest.mark.parametrize(
    ("label", "column", "scale"),
    [
        ("Fee", "fee_pct", 1.0),
        ("Total", "since_launch", 1e6),
        ("Average", "average", 1e6),
        ("Maximum", "maximum", 1e6),
    ],
)
def test_figure_17_holds_the_printed_summary_rows(
    document: dict[str, Any], label: str, column: str, scale: float
) -> None:
    """With fifteen days stored, the rows since launch are the source's own."""
    (row,) = [r for r in document["figures"]["17"]["rows"] if isinstance(r["day"], dict) and r["day"]["en"] == label]
    for fund in tables.funds():
        if fund[column]:
            same(row[fund["fund"]] / scale, fund[column])


def test_figures_18_and_19_run_to_fridays_totals(document: dict[str, Any]) -> None:
    """The last column is -54.9 m, and the cumulative line ends at the printed 24,226 m."""
    daily, cumulative = (document["figures"][number]["rows"] for number in ("18", "19"))
    assert (daily[-1]["day"], daily[-1]["flow"]) == ("2024-11-01", -54.9e6)
    assert [round(row["flow"] / 1e6, 1) for row in cumulative[-2:]] == [24280.9, 24226.0]


@pytest.mark.parametrize("bar", tables.bitcoin_daily(), ids=lambda bar: bar.day.isoformat())
def test_figure_20_holds_every_bar(document: dict[str, Any], bar: tables.Bar) -> None:
    """A day of which only the close is known shows only that."""
    (row,) = [row for row in document["figures"]["20"]["rows"] if row["day"] == bar.day.isoformat()]
    assert {name: row[name] for name in ("open", "high", "low", "close") if row[name] is not None} == bar.prices


def test_figures_12_and_21_hold_every_event(document: dict[str, Any]) -> None:
    """The coverage's week and the market's in figure 12, crypto's two weeks in figure 21."""
    found = {
        (row["key"], row["start"]): number for number in ("12", "21") for row in document["figures"][number]["rows"]
    }
    expected = {(row["key"], row["start"]): "21" if row["tags"] == "crypto" else "12" for row in tables.events()}
    assert found == expected


@pytest.mark.parametrize(
    ("key", "value", "decimals"),
    [
        ("index.SOX.week_pct", "-4.1", 1),
        ("rel.SOX.NDX.week_pp", "-2.5", 1),
        ("rel.HSTECH.HSI.week_pp", "-0.8", 1),
        ("etf.BTC.week_total", "2220200000", 0),
        ("etf.BTC.IBIT.week", "2148900000", 0),
        ("etf.BTC.FBTC.week", "89800000", 0),
        ("etf.BTC.GBTC.week", "-53900000", 0),
        ("etf.BTC.streak_days", "7", 0),
        ("etf.BTC.streak_total", "3057500000", 0),
        ("price.BTC.week_high", "73577.21", 2),
        ("capex.AMZN.yoy_pct", "88.3", 1),
        ("crypto.market_cap", "2330000000000", 0),
        ("crypto.fear_greed", "59", 0),
        ("company.GOOGL.3Q24.gross_margin_yoy_pp", "2.0", 1),
    ],
)
def test_derived_facts(digest: Digest, key: str, value: str, decimals: int) -> None:
    """What the report's text says follows from the facts."""
    number = digest.facts[key].number
    assert number is not None
    assert numbers.number(number, decimals) == value


def test_outflows_were_on_friday_only_and_ended_the_run(document: dict[str, Any]) -> None:
    """Dates are ISO dates."""
    assert document["facts"]["etf.BTC.outflow_days"]["value"] == ["2024-11-01"]
    assert document["facts"]["etf.BTC.streak_ended"]["value"] == "2024-11-01"


def test_every_fact_tells_source_time_and_status(document: dict[str, Any]) -> None:
    """A fact with a value has all three; one without has a reason."""
    for key, fact in document["facts"].items():
        assert {"value", "unit", "source", "as_of", "status"} <= fact.keys(), key
        if fact["status"] == "missing":
            assert fact["value"] is None
            assert fact["reason"]["en"]
            assert fact["reason"]["zh"]
        elif fact["unit"] != "quarter":
            assert fact["source"], key
            assert fact["as_of"], key


def test_the_checks_find_the_three_slips_of_the_printed_report(document: dict[str, Any]) -> None:
    """A mover that the top 5 lacks, META's capex in two versions, Hong Kong prices under a dollar header."""
    found = {check["code"]: check for check in document["checks"]}
    assert list(found) == ["mover-missing", "two-values", "mixed-precision", "header-currency"]
    assert "1415.HK (+13.1%)" in found["mover-missing"]["message"]
    assert "2Q24 82 / 81.7" in found["two-values"]["message"]
    assert "3Q24 82.58 / 82.6" in found["two-values"]["message"]
    assert "0863.HK, 0434.HK are in HKD" in found["header-currency"]["message"]
    assert all(check["evidence"] for check in found.values())


def test_the_document_has_the_agreed_form(document: dict[str, Any]) -> None:
    """The keys that others rely on."""
    assert document["week"] == {"from": "2024-10-28", "to": "2024-11-01", "iso": "2024-W44"}
    assert sorted(document["figures"], key=int) == [str(number) for number in range(1, 22)]
    assert [len(document["sentences"][lang]) for lang in ("zh", "en")] == [9, 9]
    assert document["slots"]["guidance"]["text"] is None
    for figure in document["figures"].values():
        assert {"title", "columns", "rows", "notes"} <= figure.keys()
        keys = [column["key"] for column in figure["columns"]]
        assert all(set(keys) <= row.keys() for row in figure["rows"])


@pytest.mark.parametrize(
    ("key", "quarter"), [("3Q24", Quarter(2024, 3)), ("4Q23", Quarter(2023, 4)), ("1Q24", Quarter(2024, 1))]
)
def test_quarters_are_found_by_key(key: str, quarter: Quarter) -> None:
    """A key names one calendar quarter."""
    assert (Quarter.of(key), quarter.key) == (quarter, key)
