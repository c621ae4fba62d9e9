"""The universe file: the bundled one, extending it, replacing it, and every slip located."""

from datetime import date
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.loading.universe_file import load_universe, parse_universe
from rules.problems import ProblemsFound
from rules.universe import Kind

BUNDLED = load_universe()


def problems(text: str) -> list[str]:
    """What is wrong with a file."""
    try:
        parse_universe("u.yaml", text, BUNDLED)
    except ProblemsFound as found:
        return [str(problem) for problem in found.problems]
    return []


@pytest.mark.parametrize(
    ("tag", "count"),
    [
        ("indices", 7),
        ("coverage", 31),
        ("crypto", 26),
        ("equities", 57),
        ("ai", 24),
        ("hk", 9),
        ("coins", 2),
        ("etf_btc", 11),
    ],
)
def test_bundled_lists_are_complete(tag: str, count: int) -> None:
    """The desk's lists have the members of its weekly."""
    assert count == len(BUNDLED.tagged(tag))


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("SOX", "^SOX"),
        ("sox.gi", "^SOX"),
        ("NDX", "^NDX"),
        ("SPX", "^GSPC"),
        ("恒科", "HSTECH.HK"),
        ("BTC", "BTC-USD"),  # a rule means bitcoin, not the fund of that name
        ("ETH", "ETH-USD"),
        ("AMZN.O", "AMZN"),
        ("英伟达", "NVDA"),
        ("canaan", "CAN"),
        ("嘉楠科技", "CAN"),
        ("01810.HK", "1810.HK"),
    ],
)
def test_names_find_their_instrument(name: str, symbol: str) -> None:
    """Aliases, vendor codes and both languages' names, in any case."""
    found = BUNDLED.resolve(name)
    assert found is not None
    assert symbol == found.symbol


def test_bundled_instruments_carry_what_rules_need() -> None:
    """Fees are fractions, a listing bounds membership, and vendor-only indices are not priced."""
    assert BUNDLED.by_symbol["GBTC"].fee == 0.015
    assert BUNDLED.by_symbol["BTC"].underlying == "BTC"
    assert BUNDLED.by_symbol["BTC"].valid_from == date(2024, 7, 31)
    assert {"8884057.WI", "931734.CSI"} == {item.symbol for item in BUNDLED.instruments if not item.priced}
    assert {"XNYS", "XHKG", "24/7"} == {item.calendar for item in BUNDLED.instruments}
    assert all(item.name["en"] and item.name["zh"] for item in BUNDLED.instruments)


def test_own_file_extends_the_bundled_one() -> None:
    """A new symbol is added, a known one replaced in its place."""
    text = """
version: 1
extends: builtin
instruments:
  - {symbol: TSM, name: {en: TSMC, zh: 台积电}, kind: equity, currency: USD, calendar: NYSE, tags: [ai]}
  - {symbol: NVDA, name: NVIDIA Corp, kind: equity, currency: USD, calendar: XNYS}
"""
    universe = parse_universe("u.yaml", text, BUNDLED)
    assert len(universe.instruments) == len(BUNDLED.instruments) + 1
    assert universe.by_symbol["NVDA"].name == {"en": "NVIDIA Corp", "zh": "NVIDIA Corp"}
    assert universe.by_symbol["TSM"].calendar == "XNYS"
    assert universe.by_symbol["TSM"] in universe.tagged("ai")


def test_own_file_replaces_the_bundled_one() -> None:
    """Without ``extends`` nothing else is followed."""
    text = "version: 1\ninstruments:\n  - {symbol: X, kind: crypto, currency: USD, calendar: 24/7}\n"
    (only,) = parse_universe("u.yaml", text, BUNDLED).instruments
    assert (only.symbol, only.kind, only.calendar) == ("X", Kind.CRYPTO, "24/7")


ROW = "  - {symbol: X, kind: equity, currency: USD, calendar: XNYS"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("instruments: []\n", "u.yaml:1:1: a universe file starts with `version: 1`"),
        ("version: 1\nextend: builtin\n", "u.yaml:2:1: a universe file has no key 'extend'; did you mean extends?"),
        ("version: 1\nextends: bultin\n", "u.yaml:2:10: extends is builtin or left out; did you mean builtin?"),
        ("version: 1\ninstruments: 5\n", "u.yaml:2:14: 'instruments' must be a list, not '5'"),
        ("version: 1\ninstruments:\n  - NVDA\n", "u.yaml:3:5: an instrument must be a mapping, not 'NVDA'"),
        ("version: 1\ninstruments:\n  - {kind: equity}\n", "u.yaml:3:5: an instrument has no 'symbol'"),
        (
            f"version: 1\ninstruments:\n{ROW}, tag: [ai]}}\n",
            "u.yaml:3:62: an instrument has no key 'tag'; did you mean tags?",
        ),
        (f"version: 1\ninstruments:\n{ROW}}}\n{ROW}}}\n", "u.yaml:4:14: X stands already in line 3; keep one"),
        (
            "version: 1\ninstruments:\n  - {symbol: X, kind: equity, currency: USD, calendar: XNYSE}\n",
            "u.yaml:3:56: calendar: no calendar is called 'XNYSE'",
        ),
        (
            "version: 1\ninstruments:\n  - {symbol: X, kind: equity, currency: USDT, calendar: XNYS}\n",
            "u.yaml:3:41: currency: 'USDT' is no currency; wanted a code such as USD",
        ),
        (
            "version: 1\ninstruments:\n  - {symbol: X, kind: stock, currency: USD, calendar: XNYS}\n",
            "u.yaml:3:23: kind is one of index, equity, crypto, fund, not 'stock'",
        ),
        (
            f"version: 1\ninstruments:\n{ROW}, valid_from: 1.2.2024}}\n",
            "u.yaml:3:74: valid_from: '1.2.2024' is no date",
        ),
        (f"version: 1\ninstruments:\n{ROW}, priced: on}}\n", "u.yaml:3:70: 'priced' must be true or false, not 'on'"),
        (f"version: 1\ninstruments:\n{ROW}, tags: [a-b]}}\n", "u.yaml:3:68: 'a-b' is no tag"),
        (f"version: 1\ninstruments:\n{ROW}, fee: 0.25}}\n", "u.yaml:3:67: fee: '0.25' is no yearly fee"),
        (
            f"version: 1\ninstruments:\n{ROW}, aliases: [A]}}\n{ROW.replace('X,', 'Y,')}, aliases: [a]}}\n",
            "u.yaml:4:71: 'a' names X already in line 3; a name means one instrument",
        ),
        (
            "version: 1\ninstruments:\n  - {symbol: X Y, kind: equity, currency: USD, calendar: XNYS}\n",
            "u.yaml:3:14: 'X Y' is no",
        ),
    ],
)
def test_slips_are_located(text: str, expected: str) -> None:
    """File, line, column, what is wrong and the nearest word."""
    (said,) = problems(text)
    assert said.startswith(expected)


def test_all_slips_are_told_at_once_and_once() -> None:
    """A slip in a group's key isn't repeated for each member."""
    text = """
version: 1
groups:
  - kind: shares
    currency: USD
    calendar: MARS
    instruments: [{symbol: A}, {symbol: B}, {symbol: B}]
"""
    assert [3 + 1, 6, 7] == [int(line.split(":")[1]) for line in problems(text)]


def test_files_on_disk_are_read_and_a_missing_one_is_an_os_error(tmp_path: Path) -> None:
    """The caller says what to do about a file that can't be opened."""
    path = tmp_path / "mine.yaml"
    path.write_text("version: 1\nextends: builtin\n", encoding="utf-8")
    assert load_universe(path).instruments == BUNDLED.instruments
    with pytest.raises(FileNotFoundError):
        load_universe(tmp_path / "none.yaml")


@settings(max_examples=150, deadline=None)
@given(st.text(st.sampled_from("version:1\n groups instruments-{}[]&*,symbolXkd\"'"), max_size=80))
def test_any_text_is_a_universe_or_located_problems(text: str) -> None:
    """Nothing that a file holds ends in a traceback."""
    assert isinstance(problems(text), list)
