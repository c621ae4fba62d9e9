"""Reading Farside's page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from adapters.feeds import flow_html
from adapters.feeds.answer import BadAnswer
from adapters.feeds.flow_day import FlowDay
from adapters.feeds.flow_rows import to_days, usd_millions
from rules.model import Status
from tests.adapters.feeds.flow_pages import FOOTER, NOW, farside_page, farside_rows


def days_of(page: str) -> dict[str, FlowDay]:
    """The days of ``page`` by ISO date."""
    return {day.day.isoformat(): day for day in to_days("BTC", "farside", flow_html.parse(page), NOW).days}


def test_figures_are_usd_by_ticker():
    """Millions become USD, a bracketed figure is negative, and the total is the sum of the funds."""
    day = days_of(farside_page(farside_rows()))["2026-07-20"]
    assert day.funds == {"IBIT": 116.5e6, "FBTC": 24.1e6, "GBTC": -44.5e6, "BTC": 42.3e6}
    assert (day.total, day.status) == (138.4e6, Status.FINAL)


def test_a_moved_column_moves_with_its_ticker():
    """Columns are found by the header, so their order and number may change."""
    page = farside_page([("20 Jul 2026", ["42.3", "1.0", "(44.5)", "(1.2)"])], tickers=("BTC", "MSBT", "GBTC"))
    assert days_of(page)["2026-07-20"].funds == {"BTC": 42.3e6, "MSBT": 1.0e6, "GBTC": -44.5e6}


@pytest.mark.parametrize(
    "changed",
    [
        lambda page: page.replace("   Total", "TOTAL"),
        lambda page: page.replace("<th></th><th><img src='/logo.jpg'></th><th><img", "<th colspan='2'></th><th><img"),
        lambda page: page.replace("<thead>", "").replace("</thead>", "").replace("th>", "td>"),
    ],
    ids=["shouting", "spanning", "no header cells"],
)
def test_the_header_may_be_dressed_otherwise(changed: Callable[[str], str]):
    """Upper case, cells that span columns, and header rows of ordinary cells name the same columns."""
    page = farside_page(farside_rows())
    assert page != changed(page)
    assert days_of(page) == days_of(changed(page))


@pytest.mark.parametrize("name", ["Total", "Average", "Maximum", "Minimum", "Seed", "Fee"])
def test_rows_without_a_date_are_left_out(name: str):
    """Summary and seed rows are not days."""
    page = farside_page([*farside_rows(), (name, ["1.0", "2.0", "3.0", "4.0", "10.0"])])
    assert list(days_of(page)) == ["2026-07-20", "2026-07-21", "2026-07-22"]


def test_a_day_before_publication_is_pending():
    """Every fund a dash and a total of 0.0 means that nothing is known, not that nothing flowed."""
    day = days_of(farside_page([*farside_rows(), ("23 Jul 2026", ["-", "-", "-", "-", "0.0"]), *FOOTER]))["2026-07-23"]
    assert (day.total, day.status) == (None, Status.PENDING)
    assert {None} == set(day.funds.values())


def test_a_day_with_unreported_funds_is_partial():
    """Its total is what was reported so far."""
    day = days_of(farside_page([*farside_rows(), ("23 Jul 2026", ["10.0", "-", "-", "0.0", "10.0"])]))["2026-07-23"]
    assert (day.total, day.status, day.reported) == (10.0e6, Status.PARTIAL, 2)
    assert day.funds["FBTC"] is None
    assert day.funds["BTC"] == 0.0


def test_a_holiday_row_is_ignored():
    """3 July 2026 is no session: dashes there are a placeholder."""
    page = farside_page([("02 Jul 2026", ["1.0", "1.0", "1.0", "1.0", "4.0"]), ("03 Jul 2026", ["-"] * 4 + ["0.0"])])
    assert list(days_of(page)) == ["2026-07-02"]


def test_figures_on_a_holiday_are_reported():
    """A row with numbers for a day without trading is odd enough to be told."""
    page = farside_page([("02 Jul 2026", ["1.0"] * 4 + ["4.0"]), ("04 Jul 2026", ["1.0"] * 4 + ["4.0"])])
    answer = to_days("BTC", "farside", flow_html.parse(page), NOW)
    assert [p.message for p in answer.problems] == ["BTC 2026-07-04: figures for a day on which the funds don't trade"]


def test_a_fund_that_was_listed_later_is_not_waited_for():
    """A dash long before a fund's first figure doesn't make the day partial."""
    early = [(f"{day:02} Jul 2026", ["1.0", "-", "1.0"]) for day in (6, 7, 8, 9, 10, 13, 14)]
    late = [(f"{day:02} Jul 2026", ["1.0", "2.0", "3.0"]) for day in (15, 16, 17)]
    days = days_of(farside_page([*early, *late], tickers=("IBIT", "MSBT")))
    assert days["2026-07-06"].funds == {"IBIT": 1.0e6}
    assert {Status.FINAL} == {day.status for key, day in days.items() if key < "2026-07-13"}


def test_a_printed_total_that_is_not_the_sum_makes_the_day_provisional():
    """A shifted column shows in the sum, so the day isn't called final."""
    answer = to_days("BTC", "farside", flow_html.parse(farside_page([("20 Jul 2026", ["1.0"] * 4 + ["99.0"])])), NOW)
    assert [(day.total, day.status) for day in answer.days] == [(4.0e6, Status.PROVISIONAL)]
    assert "sum to 4,000,000 USD, it prints a total of 99,000,000" in answer.problems[0].message


def test_reordered_and_repeated_rows_make_the_same_days():
    """Neither order nor repetition of rows matters."""
    rows = farside_rows()
    assert days_of(farside_page(rows)) == days_of(farside_page([*reversed(rows), *rows]))


def test_two_rows_of_a_day_that_differ_are_reported():
    """The day is kept and its contradiction told."""
    rows = [("20 Jul 2026", ["1.0"] * 4 + ["4.0"]), ("20 Jul 2026", ["2.0", "1.0", "1.0", "1.0", "5.0"])]
    answer = to_days("BTC", "farside", flow_html.parse(farside_page(rows)), NOW)
    assert [problem.message for problem in answer.problems] == ["BTC 2026-07-20: two rows differ in IBIT"]


@pytest.mark.parametrize(
    ("page", "said"),
    [
        ("<html><body>Welcome</body></html>", "no table with dated rows"),
        ("", "no table with dated rows"),
        (farside_page([]), "no table with dated rows"),
        (farside_page(farside_rows()).replace("Total", "Sum"), "names no funds and one total"),
        (farside_page([("20 Jul 2026", ["1.0"] * 5)], tickers=("IBIT", "IBIT", "GBTC", "BTC")), "names a fund twice"),
        (farside_page([("20 Jul 2026", ["1.0"] * 3)]), "has 4 cells, its header has 6"),
        (farside_page([("20 Jul 2026", ["1.0", "n/a", "1.0", "1.0", "3.0"])]), "FBTC on 2026-07-20 is 'n/a'"),
    ],
)
def test_another_layout_is_recognised(page: str, said: str):
    """A page that isn't the documented table says what is missing."""
    with pytest.raises(BadAnswer, match=said):
        flow_html.parse(page)


def test_one_unreadable_row_leaves_the_others():
    """A footnote in one row costs that row alone."""
    rows = [*farside_rows(), ("23 Jul 2026", ["see note", "1.0", "1.0", "1.0", "3.0"])]
    table = flow_html.parse(farside_page(rows))
    assert [date(2026, 7, 20), date(2026, 7, 21), date(2026, 7, 22)] == [row.day for row in table.rows]
    assert len(table.faults) == 1


@given(st.integers(-99_999, 99_999))
def test_a_figure_survives_being_printed(tenths: int):
    """What is printed with one decimal is read back exactly."""
    printed = f"({abs(tenths) / 10:,.1f})" if tenths < 0 else f"{tenths / 10:,.1f}"
    assert tenths * 100_000 == usd_millions(printed, "a figure")
