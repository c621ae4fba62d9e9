"""Packs: what is read from them, and every mistake of every file in one run, located."""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from rules.loading.loader import PACKS, Loaded, PackText, load_packs
from rules.loading.universe_file import load_universe
from rules.model import Severity
from rules.problems import Problem
from rules.spec import AtSession, NewObservation, OncePer, OnMissing, SeriesSpec, Span

UNIVERSE = load_universe()


def load(*texts: str) -> Loaded:
    """Load texts as ``0.yaml``, ``1.yaml`` and so on."""
    return load_packs([PackText(f"{index}.yaml", text) for index, text in enumerate(texts)], UNIVERSE)


def rule(**keys: str) -> str:
    """A pack with one rule, whose keys stand from line 3 on, two blanks after each colon's key."""
    given = {"id": "r", "when": "BTC > 1", **keys}
    lines = [f"    {key}: {value}" for key, value in given.items()]
    return "version: 1\nrules:\n" + "\n".join(lines).replace("    id:", "  - id:", 1) + "\n"


def test_every_key_of_a_rule_is_read() -> None:
    """Each key arrives in its type."""
    text = """
version: 1
series:
  BTC_ETF: {feed: etf_flows, key: BTC, field: total, unit: USD, calendar: NYSE}
macros:
  lag: rel(SOX, NDX, this_week)
defaults: {severity: warning, cooldown: 1h}
rules:
  - id: all-keys
    title: {en: All keys, zh: 全部}
    when: lag <= -2pp
    clear: lag > -1.5pp
    rearm: lag > -1pp
    every: XNYS close+20m
    for: 2 sessions
    keep_for: 30m
    once_per: week
    expires: 2027-01-01
    on_missing: {notify_after: 2 sessions}
    max_gap: 30m
    tags: [semis, us]
    labels: {desk: us}
    group_by: [rule, desk]
    say: "SOX lags by {lag:+.1pp}"
    explain: {en: "Because of {SOX:,.1f}"}
    chart: {of: SOX, against: NDX}
    notes: Look at AMD.
    enabled: false
  - id: flow
    when: BTC_ETF < 0 USD and it > 5
    every: new(BTC_ETF)
    severity: critical
    on_missing: resolve
    for_each: [universe.ai, SOX]
    expires: 20 sessions
"""
    loaded = load(text)
    assert loaded.problems == ()
    full, flow = loaded.rules
    assert full.title == {"en": "All keys", "zh": "全部"}
    assert full.every == AtSession("XNYS", "close", timedelta(minutes=20))
    assert (full.for_, full.keep_for, full.cooldown) == (Span(sessions=2), Span(seconds=1800), Span(seconds=3600))
    assert (full.once_per, full.severity, full.max_gap) == (OncePer.WEEK, Severity.WARNING, timedelta(minutes=30))
    assert full.on_missing == OnMissing("notify", Span(sessions=2))
    assert full.expires == datetime(2027, 1, 1, tzinfo=UTC)
    assert (full.tags, full.labels, full.group_by) == (("semis", "us"), {"desk": "us"}, ("rule", "desk"))
    assert full.say == {"en": "SOX lags by {lag:+.1pp}", "zh": "SOX lags by {lag:+.1pp}"}
    assert (full.chart, full.notes, full.enabled) == ({"of": "SOX", "against": "NDX"}, "Look at AMD.", False)
    assert (full.file, full.line) == ("0.yaml", 9)
    assert flow.series["BTC_ETF"] == SeriesSpec("BTC_ETF", "etf_flows", "BTC", "total", "USD", "XNYS")
    assert (flow.every, flow.severity) == (NewObservation("BTC_ETF"), Severity.CRITICAL)
    assert (flow.on_missing, flow.expires) == (OnMissing("resolve"), Span(sessions=20))
    assert flow.for_each == "universe.ai, SOX"


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        # the shape of the file
        ({"treshold": "5"}, "5:5: unknown-key: a rule has no key 'treshold'"),
        ({"severty": "info"}, "5:5: unknown-key: a rule has no key 'severty'; did you mean severity?"),
        ({"id": "Big Move"}, "3:9: bad-id: 'Big Move' is no id"),
        ({"title": "[a]"}, "5:12: wrong-type: 'title' must be a text, not a list"),
        ({"title": "{de: Bitcoin}"}, "5:13: unknown-key: 'title' has no key 'de'"),
        ({"severity": "urgent"}, "5:15: unknown-word: severity is one of info, warning, critical, health"),
        ({"once_per": "weeek"}, "5:15: unknown-word: once_per is one of"),
        ({"every": "XNYS closing"}, "5:12: bad-every: every: 'XNYS closing' says not when"),
        ({"for": "2 weeks"}, "5:10: bad-duration: for: '2 weeks' is no length of time"),
        ({"on_missing": "ignore"}, "5:17: unknown-word: on_missing: 'ignore' is none of hold, resolve, fire"),
        ({"on_missing": "{notify: 1h}"}, "5:18: unknown-key: 'on_missing' has no key 'notify'"),
        ({"enabled": "no"}, "5:14: wrong-type: 'enabled' must be true or false, not 'no'"),
        ({"tags": "{a: 1}"}, "5:11: wrong-type: 'tags' must be a list, not a mapping"),
        ({"expires": "2026-13-01"}, "5:14: bad-instant: expires: '2026-13-01' is no instant"),
        ({"max_gap": "3 sessions"}, "5:14: bad-duration: max_gap: '3 sessions' is no length of time"),
        # what expressions say
        ({"when": "BTC >"}, "4:16: "),
        ({"when": "NVDIA > 1"}, "4:11: unknown-name: nothing is called 'NVDIA'; did you mean"),
        ({"when": "BTC > 1 and rte(BTC, 1d) > 1%"}, "4:23: unknown-function: there is no function 'rte'"),
        ({"when": "'ret(BTC, 1d)'"}, "4:12: not-a-condition: a condition is wanted"),
        ({"when": "rel(SOX, NDX, 1d) > 2%"}, "4:29: percent-with-points: "),
        ({"when": "it > 1"}, "4:11: no-it: "),
        (
            {"when": "it > 1", "for_each": "universe.aii"},
            "5:15: unknown-list: there is no list or symbol 'universe.aii'",
        ),
        ({"every": "new(BTCX)"}, "5:16: not-a-series: new(BTCX) wants the name of a series; did you mean"),
        ({"when": "etf_flows.BTC.IBIT > 5 USD"}, "4:11: unknown-name: nothing is called 'etf_flows.BTC.IBIT'; name it"),
        # clauses that can't work
        ({"when": "BTC > 5 and BTC < 3"}, "4:11: unreachable-when: when can never hold"),
        ({"clear": "ret(BTC, 1d) > 5% and ret(BTC, 1d) < 3%"}, "5:12: unreachable-clear: clear can never hold"),
        ({"when": "BTC > 5", "clear": "BTC > 4"}, "5:12: clear-overlaps: clear holds where when does too"),
        ({"when": "abs(ret(BTC, 1d)) > 1%", "clear": "abs(ret(BTC, 1d)) < -1%"}, "5:12: unreachable-clear: "),
        ({"when": "BTC > 5 and BTC < 3 and known(BTC)"}, "4:11: unreachable-when: when can never hold for BTC"),
        ({"when": "drawdown(BTC, 20d) > 5%"}, "4:11: unreachable-when: when can never hold for drawdown(BTC, 20d): it"),
        ({"when": "rsi(BTC, 14d) > 170"}, "4:11: unreachable-when: "),
        ({"when": "rsi(BTC, 14d) > 70%"}, "4:25: number-with-percent: rsi is a plain number, and 70% is 0.7"),
        ({"when": "count(BTC > 5, 5d) > 5"}, "4:11: unreachable-when: "),
        ({"when": "streak(BTC > 5) >= 400"}, "4:11: unreachable-when: "),
        ({"when": "count_of(universe.semis, it > 5) > 999"}, "4:11: unreachable-when: "),
        ({"when": "1 > 2"}, "4:11: no-series: when reads no series"),
        ({"when": "BTC > 0 HKD"}, "4:15: currencies-differ: "),
        # messages, labels, groups
        ({"say": '"up {ret(BTC, 1d:+.1%}"'}, "5:"),
        ({"say": '"up {ret(BTCC, 1d):+.1%}"'}, "5:19: unknown-name: nothing is called 'BTCC'"),
        ({"say": '"up {ret(BTC, 1d):+.1q}"'}, "5:"),
        ({"say": '"up {ret(BTC, 1d):.1x}"'}, "5:15: format-unit: "),
        ({"say": '"{ret(BTC, 1d):+.1%}"'}, "5:11: empty-message: say could show nothing"),
        ({"say": '""'}, "5:11: empty-message: say could show nothing"),
        ({"title": '"BTC at {BTC}"'}, "5:20: value-in-title: a title names the rule"),
        ({"labels": '{level: "{BTC}"}'}, "5:22: value-in-label: the label 'level' holds a figure"),
        ({"labels": '{of: "{it}"}'}, "5:19: no-it: "),
        ({"group_by": "[desk]"}, "5:15: unknown-label: group_by names no label 'desk'"),
    ],
)
def test_a_mistake_in_a_rule_is_located(keys: dict[str, str], expected: str) -> None:
    """Line, column, code, what is wrong, and the rule is left out."""
    loaded = load(rule(**keys))
    told = [_told(each) for each in loaded.problems]
    assert len(told) == 1, told
    assert told[0].startswith(expected)
    assert loaded.rules == ()


def _told(problem: Problem) -> str:
    hint = f"; did you mean {problem.suggestion}?" if problem.suggestion else ""
    return f"{problem.line}:{problem.column}: {problem.code}: {problem.message}{hint}"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("rules: []\n", "0.yaml:1:1: a pack starts with `version: 1`"),
        ("version: 2\n", "0.yaml:1:10: a pack starts with `version: 1`"),
        ("version: 1\nrule: []\n", "0.yaml:2:1: a pack has no key 'rule'; did you mean rules?"),
        ("- id: x\n", "0.yaml:1:1: a pack must be a mapping, not a list"),
        ("version: 1\nrules: {id: x}\n", "0.yaml:2:8: 'rules' must be a list, not a mapping"),
        ("version: 1\nrules:\n  - id: x\n", "0.yaml:3:5: a rule has no 'when'"),
        ("version: 1\nrules:\n  - when: BTC > 1\n", "0.yaml:3:5: a rule has no 'id'"),
        ("version: 1\nseries: {X: {feed: a}}\n", "0.yaml:2:13: the series X has no 'key'"),
        ("version: 1\nseries: {X-Y: {feed: a, key: b}}\n", "0.yaml:2:10: 'X-Y' is no name"),
        ("version: 1\nmacros: {ret: BTC}\n", "0.yaml:2:10: 'ret' has a meaning of its own"),
        ("version: 1\ndefaults: {when: BTC > 1}\n", "0.yaml:2:12: 'defaults' has no key 'when'"),
        (
            "version: 1\ntests: [{rule: x, step: 5m, start: 2026-01-01, data: {}, expect: []}]",
            "0.yaml:2:16: there is no",
        ),
    ],
)
def test_a_mistake_in_a_pack_is_located(text: str, expected: str) -> None:
    """What is wrong with the file around the rules."""
    (problem,) = load(text).problems
    assert str(problem).startswith(expected)


def test_positions_reach_into_folded_expressions() -> None:
    """A name in the third line of a folded scalar is found there."""
    text = "version: 1\nrules:\n  - id: r\n    when: >-\n      BTC > 1\n      and\n      NVDIA > 2\n"
    (problem,) = load(text).problems
    assert (problem.line, problem.column) == (7, 7)


def test_all_mistakes_of_all_files_are_told_in_one_run() -> None:
    """One rule's mistake hides no other's, and good rules are still there."""
    loaded = load(rule(when="NVDIA > 1", severity="loud"), "a: [", rule(id="good"), rule(id="good"))
    assert [
        ("0.yaml", "unknown-name"),
        ("0.yaml", "unknown-word"),
        ("1.yaml", "syntax"),
        ("3.yaml", "duplicate-id"),
    ] == [(each.file, each.code) for each in loaded.problems]
    assert [each.id for each in loaded.rules] == ["good"]
    assert not loaded.ok


@pytest.mark.parametrize(
    ("keys", "expected"),
    [
        ({"when": "NVDA > 1", "for_each": "universe.ai"}, "4:11: it-unused: when says nothing about `it`"),
        (
            {"when": "drawdown(BTC, 20d) <= 0"},
            "4:11: always-true: when always holds: drawdown(BTC, 20d) is always <= 0",
        ),
        (
            {"when": "BTC > 5 or drawdown(BTC, 20d) > 5%"},
            "4:22: unreachable-when: this part of when can never hold for drawdown(BTC, 20d)",
        ),
    ],
)
def test_what_works_and_is_surely_not_meant_is_a_doubt(keys: dict[str, str], expected: str) -> None:
    """The rule runs, and the analyst is told."""
    loaded = load(rule(**keys))
    (problem,) = loaded.problems
    assert _told(problem).startswith(expected)
    assert problem.warning
    assert len(loaded.rules) == 1


def test_all_mistakes_of_a_message_are_told() -> None:
    """A message with three mistakes takes one run to mend, not three."""
    loaded = load(rule(say='"x {BTC:%Y} {} {BTC:.1f} }"'))
    assert ["bad-format", "empty", "bad-template"] == [each.code for each in loaded.problems]


def test_a_doubt_leaves_the_rule_in_use() -> None:
    """Money against a plain number is a warning."""
    loaded = load("version: 1\nseries: {F: {feed: etf_flows, key: BTC, unit: USD}}\nrules: [{id: r, when: F < 5}]\n")
    assert [(each.code, each.warning) for each in loaded.problems] == [("money-with-number", True)]
    assert loaded.ok
    assert len(loaded.rules) == 1


@pytest.mark.parametrize(("macro", "code"), [("NVDIA", "unknown-name"), ("BTC +", "syntax"), ("m + 1", "macro-loop")])
def test_a_macro_that_is_wrong_is_told_once_where_it_stands(macro: str, code: str) -> None:
    """However many rules use it, also when none does; those that do are left out."""
    rules = "rules: [{id: r, when: m > 1}, {id: s, when: m > 2}, {id: t, when: BTC > 1}]"
    loaded = load(f"version: 1\nmacros: {{m: {macro}}}\n{rules}\n")
    assert [(each.line, each.code) for each in loaded.problems] == [(2, code)]
    assert [each.id for each in loaded.rules] == ["t"]


def test_shipped_packs_have_no_problem() -> None:
    """What comes with Tapewatch loads clean."""
    loaded = load_packs([PACKS], UNIVERSE)
    assert loaded.problems == ()
    assert {"sox-lags-ndx", "btc-73k", "btc-etf-outflow", "week-move-10"} <= {each.id for each in loaded.rules}


def test_files_that_cannot_be_read_are_problems(tmp_path: Path) -> None:
    """A missing file doesn't hide the others."""
    (tmp_path / "a.yaml").write_text(rule(), encoding="utf-8")
    (tmp_path / "b.txt").write_text("no pack", encoding="utf-8")
    loaded = load_packs([tmp_path / "none.yaml", tmp_path], UNIVERSE)
    assert [each.code for each in loaded.problems] == ["unreadable"]
    assert [each.id for each in loaded.rules] == ["r"]


@pytest.mark.parametrize(
    "when",
    [
        "(" * 10_000 + "BTC" + ")" * 10_000,
        "9**9**9",
        "BTC.__class__",
        "__import__('os').system('x')",
        "1e308 * 10 > BTC",
        "9" * 1_500 + " > BTC",
        "not " * 500 + "BTC > 1",
        "BTC > 1 and " * 150 + "BTC > 1",
        "lambda: 1",
        "BTC[0] > 1",
        "BTC < 1 < 2",
        "",
        "\u202eBTC > 1",
    ],
)
def test_hostile_expressions_are_refused(when: str) -> None:
    """Too deep, too long, or meaning nothing: a located problem, no traceback and no evaluation."""
    quoted = when.replace("'", "''")
    loaded = load(rule(when=f"'{quoted}'"))
    assert loaded.rules == ()
    assert all((each.file, each.line) == ("0.yaml", 4) for each in loaded.problems)
    assert loaded.problems


def test_a_macro_bomb_is_refused() -> None:
    """Macros that double themselves eight times over would be millions of parts."""
    macros = "".join(f"  m{n}: {' + '.join([f'm{n + 1}'] * 8)}\n" for n in range(7)) + "  m7: BTC\n"
    loaded = load(f"version: 1\nmacros:\n{macros}rules:\n  - {{id: r, when: m0 > 1}}\n  - {{id: s, when: m5 > 1}}\n")
    assert {each.code for each in loaded.problems} == {"too-many-nodes"}
    assert [each.id for each in loaded.rules] == ["s"]


PIECES = st.sampled_from(
    [
        "version: 1",
        "rules:",
        "  - id: a",
        "    when: BTC > 1",
        "    say: '{BTC}'",
        "  - {",
        "}",
        "tests: [",
        "]",
        "series: {A: {feed: x, key: y}}",
        "macros: {m: m}",
        "    when: m > 1",
        "defaults: {tags: a}",
        "&a",
        "*a",
        "<<: *a",
        "    for_each: universe",
        "    labels: {a: '{it'}",
        "    every: new(",
    ]
)


@settings(max_examples=200, deadline=None)
@given(st.lists(PIECES, max_size=12).map("\n".join) | st.text(max_size=60))
def test_no_text_ends_in_a_traceback(text: str) -> None:
    """Any text gives rules, problems or both, and each problem has a place."""
    loaded = load(text)
    assert all(each.line >= 1 and each.column >= 1 and each.code and each.message for each in loaded.problems)


def test_a_folder_that_can_not_be_listed_is_a_problem(tmp_path: Path) -> None:
    """Rules that can't be found must not be taken for rules that aren't there."""
    inner = tmp_path / "inner"
    inner.mkdir()
    (inner / "own.yaml").write_text("version: 1\n")
    inner.chmod(0)
    try:
        if os.access(inner, os.R_OK):
            pytest.skip("this user may read everything")
        loaded = load_packs([tmp_path], UNIVERSE)
    finally:
        inner.chmod(0o700)
    assert [(problem.file, problem.code) for problem in loaded.errors] == [(str(tmp_path), "unreadable")]
