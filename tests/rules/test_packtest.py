"""Tests of packs: the shipped ones pass, and a difference is readable."""

import pytest

from rules.calendars.sessions import Calendars
from rules.loading.loader import PACKS, Loaded, PackText, load_packs
from rules.loading.pack_tests import Point, read_points
from rules.loading.universe_file import load_universe
from rules.model import Status
from rules.packtest import Outcome, results_json, run_tests

UNIVERSE = load_universe()
CALENDARS = Calendars()
SHIPPED = load_packs([PACKS], UNIVERSE)

PACK = """
version: 1
series: {FLOW: {feed: etf_flows, key: BTC, field: total, unit: USD, calendar: XNYS}}
rules:
  - {id: above, when: BTC > 100, clear: BTC < 90}
  - {id: movers, for_each: "NVDA, 1810.HK", when: "ret(it, 1d) > 5%", every: XNYS close+20m}
  - {id: off, when: FLOW < 0 USD and final(FLOW), every: new(FLOW), enabled: false}
tests:
"""


def run(test: str) -> Outcome:
    """Run one test of the pack above."""
    loaded = load_packs([PackText("t.yaml", f"{PACK}  - {test}\n")], UNIVERSE)
    assert loaded.problems == ()
    (outcome,) = run_tests(loaded, UNIVERSE, CALENDARS)
    return outcome


def _title(outcome: Outcome) -> str:
    return f"{outcome.test.rule}: {outcome.test.name}"


@pytest.mark.parametrize("outcome", run_tests(SHIPPED, UNIVERSE, CALENDARS), ids=_title)
def test_shipped_tests_pass(outcome: Outcome) -> None:
    """Each event as the pack expects it, and no other."""
    assert outcome.ok, "\n".join([outcome.title, *outcome.differences()])


def test_every_shipped_rule_has_a_test_that_fires() -> None:
    """A rule that no test makes fire is not known to work."""
    fired = {test.rule for test in SHIPPED.tests if any(each.event == "fired" for each in test.expect)}
    assert {rule.id for rule in SHIPPED.rules} - fired == set()


def test_expected_events_in_order_pass() -> None:
    """Fired and resolved at their steps."""
    expect = '[{at: "00:05", event: fired}, {at: "00:20", event: resolved}]'
    data = '{BTC: "99 101 95 95 89"}'
    assert run(f"{{rule: above, step: 5m, start: 2026-03-02, data: {data}, expect: {expect}}}").ok


@pytest.mark.parametrize(
    ("expect", "lines"),
    [
        ("[]", ["+ 2026-03-02T00:05:00Z fired"]),  # one more
        (
            '[{at: "00:05", event: fired}, {at: "00:10", event: resolved}]',  # one fewer
            ["= 2026-03-02T00:05:00Z fired", "- 2026-03-02T00:10:00Z resolved"],
        ),
        (
            '[{at: "00:00", event: fired}]',
            ["- 2026-03-02T00:00:00Z fired", "+ 2026-03-02T00:05:00Z fired"],
        ),  # another time
    ],
)
def test_differences_are_readable(expect: str, lines: list[str]) -> None:
    """One more, one fewer or another time fails, and says which."""
    outcome = run(f'{{rule: above, step: 5m, start: 2026-03-02, data: {{BTC: "99 101 95"}}, expect: {expect}}}')
    assert not outcome.ok
    assert lines == [line.partition("  because")[0] for line in outcome.differences()]


def test_sessions_are_those_of_each_series_own_calendar() -> None:
    """Hong Kong's holiday on 11 October 2024 shifts its figures, not New York's."""
    data = '{NVDA: "100 100 110", 1810.HK: "20 22 23"}'
    expect = (
        "[{at: 2024-10-10T20:20Z, event: fired, symbol: 1810.HK}, {at: 2024-10-11T20:20Z, event: fired, symbol: NVDA}]"
    )
    outcome = run(f"{{rule: movers, step: session, start: 2024-10-09, data: {data}, expect: {expect}}}")
    assert [each.event.symbol for each in outcome.happened if each.event.event == "fired"] == ["1810.HK", "NVDA"]


def test_a_rule_that_is_switched_off_can_be_tested() -> None:
    """``enabled: false`` is for running, and a partial figure is not final."""
    expect = "[{at: 2024-10-11T20:00Z, event: fired}]"
    assert run(f'{{rule: off, step: session, start: 2024-10-10, data: {{FLOW: "-5~ -5"}}, expect: {expect}}}').ok


def test_results_are_plain_values() -> None:
    """The document that ``tapewatch test --json`` prints."""
    outcome = run('{rule: above, step: 5m, start: 2026-03-02, data: {BTC: "99 101"}, expect: []}')
    document = results_json([outcome])
    assert document["ok"] is False
    (row,) = document["tests"]
    assert (row["rule"], row["ok"], row["expected"]) == ("above", False, [])
    assert row["happened"][0]["at"] == "2026-03-02T00:05:00Z"
    assert row["happened"][0]["value"] == 101


@pytest.mark.parametrize(("step", "start"), [("1d", "9999-12-30"), ("session", "2300-01-01"), ("3000d", "2026-01-01")])
def test_a_test_at_the_end_of_time_fails_with_a_reason(step: str, start: str) -> None:
    """Dates beyond the calendars are told, not thrown."""
    outcome = run(f"{{rule: above, step: {step}, start: {start}, data: {{BTC: 1 x9000}}, expect: []}}")
    assert [problem.code for problem in outcome.trouble] == ["bad-instant"]


def test_figures_are_read() -> None:
    """Repetition, partial figures, silence and missing figures."""
    plain, partial = Point(73000.0), Point(-5.5, Status.PARTIAL)
    silent, missing = Point(None, silent=True), Point(None, Status.PENDING)
    assert read_points("73_000 x2 -5.5~ _ none") == (plain, plain, partial, silent, missing)
    assert read_points("_ (73000 -5.5~) x2 none") == (silent, plain, partial, plain, partial, missing)


@pytest.mark.parametrize("text", ["12a", "x3", "1e999", "1 x9999 x9999", "nan", "--1", "(1 2", "1)", "((1))"])
def test_figures_that_are_none_are_refused(text: str) -> None:
    """Not a number, nothing to repeat, too large or too many."""
    with pytest.raises(ValueError, match=r"no figure|bracket|too large|more than"):
        read_points(text)


def test_a_test_that_is_wrong_is_located() -> None:
    """Every slip of a test in one run."""
    text = f"""{PACK}
  - {{rule: above, step: 5m, start: 2026-03-02, data: {{BTCX: "1"}}, expect: []}}
  - {{rule: above, step: 5m, start: 2026-03-02, data: {{BTC: "1 two"}}, expect: [{{at: "25:00", event: fired}}]}}
  - {{rule: above, step: soon, start: now, data: 5, expect: [{{at: "10:00", event: fire}}]}}
"""
    loaded: Loaded = load_packs([PackText("t.yaml", text)], UNIVERSE)
    assert [(each.line - 9, each.code) for each in loaded.problems] == [
        (1, "unknown-name"),
        (2, "bad-figure"),
        (2, "bad-instant"),
        (3, "bad-duration"),
        (3, "bad-instant"),
        (3, "wrong-type"),
        (3, "unknown-word"),
    ]
