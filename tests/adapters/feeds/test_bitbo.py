"""Reading Bitbo's page."""

from __future__ import annotations

from adapters.feeds.flow_html import parse
from adapters.feeds.flow_rows import to_days
from rules.model import Status
from tests.adapters.feeds.flow_pages import NOW, bitbo_page, farside_page, farside_rows


def test_it_tells_what_farside_tells():
    """Another order, another way to write dates and negatives, the same figures."""
    mine = to_days("BTC", "x", parse(bitbo_page()), NOW)
    theirs = to_days("BTC", "x", parse(farside_page(farside_rows())), NOW)
    assert theirs == mine


def test_a_fund_without_a_figure_is_pending():
    """A dash is no zero here either."""
    page = bitbo_page().replace("<td>38.8</td>", "<td>-</td>")
    newest = to_days("BTC", "bitbo", parse(page), NOW).days[-1]
    assert (Status.PARTIAL, None) == (newest.status, newest.funds["IBIT"])
