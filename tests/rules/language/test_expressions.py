"""Reading and evaluating expressions: against Python where Python agrees, against truth tables where it does not."""

from __future__ import annotations

import math

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from rules.language import ExpressionError, Finding, analyse, parse
from tests.rules.desk import SCOPE, evaluate, plain

VALUES = st.sampled_from([-2.0, -1.0, -0.5, 0.0, 0.25, 1.0, 3.0, 1e9])
PYTHON = {"min2": min, "max2": max, "sign": lambda x: float((x > 0) - (x < 0)), "abs": abs, "round": round}


def figures(depth: int) -> st.SearchStrategy[str]:
    leaf = st.sampled_from(["a", "b", "c", "0", "1", "2.5", "73_000", ".5"])
    if depth == 0:
        return leaf
    inner = figures(depth - 1)
    return st.one_of(
        leaf,
        st.tuples(inner, st.sampled_from("+-*/"), inner).map(" ".join),
        inner.map(lambda text: f"({text})"),
        inner.map(lambda text: f"-{text}"),
        st.tuples(st.sampled_from(["min2", "max2"]), inner, inner).map(
            lambda parts: f"{parts[0]}({parts[1]}, {parts[2]})"
        ),
        st.tuples(st.sampled_from(["abs", "sign"]), inner).map(lambda parts: f"{parts[0]}({parts[1]})"),
    )


def conditions(depth: int) -> st.SearchStrategy[str]:
    compared = st.tuples(figures(2), st.sampled_from(["<", "<=", ">", ">=", "==", "!="]), figures(2)).map(" ".join)
    if depth == 0:
        return compared
    inner = conditions(depth - 1)
    return st.one_of(
        compared,
        st.tuples(inner, st.sampled_from(["and", "or"]), inner).map(" ".join),
        inner.map(lambda text: f"not ({text})"),
        inner.map(lambda text: f"({text})"),
        compared.map(lambda text: f"not {text}"),
    )


def python(text: str, names: dict[str, float]) -> float:
    assume("--" not in text)
    try:
        return float(eval(text, {"__builtins__": {}}, {**PYTHON, **names}))
    except ZeroDivisionError:
        return math.nan


@settings(max_examples=300, deadline=None)
@given(figures(3), VALUES, VALUES, VALUES)
def test_arithmetic_is_that_of_python(text: str, a: float, b: float, c: float) -> None:
    """Same precedence, same bits; where Python raises or overflows, the value is unknown."""
    expected = python(text, {"a": a, "b": b, "c": c})
    found = evaluate(text, plain({"a": [a], "b": [b], "c": [c]}))
    if math.isfinite(expected):
        assert expected == found
    else:
        assert math.isnan(found)


@settings(max_examples=300, deadline=None)
@given(conditions(2), VALUES, VALUES, VALUES)
def test_conditions_on_known_figures_are_those_of_python(text: str, a: float, b: float, c: float) -> None:
    """Comparison, and, or, not with Python's precedence."""
    assume("/" not in text)
    assert python(text, {"a": a, "b": b, "c": c}) == evaluate(text, plain({"a": [a], "b": [b], "c": [c]}))


TRUE, FALSE, UNKNOWN = "1 < 2", "2 < 1", "a < 1"
TRUTH = [
    # unknown is not false, and a known side that settles it, settles it
    (f"{UNKNOWN} and {FALSE}", 0.0),
    (f"{FALSE} and {UNKNOWN}", 0.0),
    (f"{UNKNOWN} and {TRUE}", None),
    (f"{UNKNOWN} or {TRUE}", 1.0),
    (f"{TRUE} or {UNKNOWN}", 1.0),
    (f"{UNKNOWN} or {FALSE}", None),
    (f"not {UNKNOWN}", None),
    (f"{UNKNOWN} and {UNKNOWN}", None),
    # arithmetic never raises
    ("1 / 0 > 1", None),
    ("(0 / 0) == (0 / 0)", None),
    (" * ".join(["1e0".replace("e0", "000000bn")] * 20) + " > 1", 1.0),
    (" * ".join(["1000000bn"] * 40) + " > 1", None),
    ("known(a)", 0.0),
    ("known(1 / 0)", 0.0),
    ("known(a < 1)", 0.0),
    ("coalesce(a, 7)", 7.0),
]


@pytest.mark.parametrize(("text", "expected"), TRUTH)
def test_logic_has_three_values(text: str, expected: float | None) -> None:
    """Kleene's tables; what can't be computed is unknown."""
    found = evaluate(text, [])
    assert (expected is None and math.isnan(found)) or expected == found


LITERALS = [
    ("2%", 0.02),
    ("50bp", 0.005),
    ("2pp", 0.02),
    ("73_000", 73000.0),
    ("73k", 73000.0),
    ("5bn", 5e9),
    ("30m", 1800.0),
    ("10 USD", 10.0),
    ("5bn USD", 5e9),
    ("1.5pp", 0.015),
    ("-2pp", -0.02),
    ("7%", 0.07),
]


@pytest.mark.parametrize(("text", "expected"), LITERALS)
def test_literals_carry_units(text: str, expected: float) -> None:
    """Percentages are divided exactly, so 7% is the float nearest 0.07."""
    assert expected == evaluate(text, [])


UNREADABLE = [
    # text, code, offset
    ("", "empty", 0),
    ("a <", "syntax", 3),
    ("1 < a < 2", "chained-comparison", 6),
    ("9**9**9", "bad-character", 1),
    ("a.__class__.__mro__[0]", "bad-character", 19),
    ("a = 1", "bad-character", 2),
    ("lambda: 1", "bad-character", 6),
    ("__import__('os').system('x')", "bad-character", 16),
    ("(" * 1000, "too-deep", 40),
    ("(" * 10_000, "too-long", 2000),
    ("9" * 1_000, "too-large", 0),
    ("+".join(["1"] * 400), "too-many-nodes", 301),
    ("5zz", "unknown-unit", 1),
    ("f(a", "syntax", 3),
    ("a b", "syntax", 2),
    (")", "syntax", 0),
    ("- " * 500 + "a", "too-deep", 80),
    ("not " * 400 + "a", "too-deep", 160),
    ("a & b", "bad-character", 2),
    ("`a`", "bad-character", 0),
]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("BTC > " + "9" * 400, ["the number 99999999999999999999… is too large; at most 1e18"]),
        ("0700.HK < 400", ['\'.\' has no meaning here: quote symbols that are not plain words, such as "0700.HK"']),
        ("a < -5 %", ["'%' has no meaning here: write it right after its number, such as 5%"]),
        ("a > $140", ["'$' has no meaning here: write the currency after the amount, such as 140 USD"]),
        ("a ＞ 5", ["'＞' has no meaning here: write >"]),
        ("a && b || 9**9", [
            "'&&' has no meaning here: write and",
            "'||' has no meaning here: write or",
            "'**' has no meaning here: there is no power; multiply instead",
        ]),
    ],
    ids=range(6),
)  # fmt: skip
def test_each_slip_is_told_once_with_what_to_write(text: str, expected: list[str]) -> None:
    """An analyst's usual slips; one that is long is one slip."""
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert expected == [each.message for each in caught.value.errors]


@pytest.mark.parametrize(("text", "code", "offset"), UNREADABLE, ids=range(len(UNREADABLE)))
def test_what_can_not_be_read_is_located(text: str, code: str, offset: int) -> None:
    """Hostile or broken, it is refused at a place, quickly, and never reaches Python."""
    with pytest.raises(ExpressionError) as caught:
        parse(text)
    assert (code, offset) == (caught.value.code, caught.value.offset)


MEANINGLESS = [
    # an error's code, or a warning's after ~
    ("rel(AA, BB, this_week) <= -2%", "percent-with-points"),
    ("ret(AA, 1d) >= 8", "~percent-with-number"),
    ("FLOW < 5", "~money-with-number"),
    ("FLOW < 0", ""),
    ("FLOW < 5 HKD", "currencies-differ"),
    ("AA > HK", "currencies-differ"),
    ("AA > 73k", ""),
    ("abs(AA / 73_000 - 1) >= 1%", ""),
    ("ret(AA, 1d) - ret(BB, 1d) <= -2pp", ""),
    ("ret(AA, 1d) - ret(BB, 1d) <= -2%", "percent-with-points"),
    ("ret(AA, 1d) <= -50bp", ""),
    ("AAA > 1", "unknown-name"),
    ("rett(AA, 1d) > 1%", "unknown-function"),
    ("ret(AA, this_wek) > 1%", "bad-window"),
    ("ret(AA, 5) > 1%", "bad-window"),
    ("ret(AA) > 1%", "wrong-arguments"),
    ("ret(AA, 30m) > 1%", "impossible-window"),
    ("std(AA, 2d) > 1", "impossible-window"),
    ("ema(AA, this_week) > 1", "impossible-window"),
    ("ret(AA, 100y) > 1%", "bad-window"),
    ("it > 1", "no-it"),
    ("any(universe.all, it > 1)", ""),
    ("any(universe.alll, it > 1)", "unknown-list"),
    ("AA and BB", "not-a-condition"),
    ("not AA", "not-a-condition"),
    ("(AA > 1) + 1 > 2", "condition-in-arithmetic"),
    ("AA.close > 1", "no-attributes"),
    ("ret > 1%", "not-called"),
    ("5d > 1", "window-as-value"),
    ("this_week > 1", "window-as-value"),
    ("final(1 + 1)", "not-a-series"),
    ("days_until(AA) == 1", "not-an-event"),
    ("days_until(earnings(AA)) == 1", ""),
    ("age(AA) > 30m", ""),
    ("age(AA) > 30", "units-differ"),
    ("count(crosses(AA, 5), 5d) > 1", "edge-inside"),
    ("any(universe.all, crosses(it, 5))", "edge-inside"),
    ("rel(AA, AA, 1d) > 1pp", "~same-twice"),
    ("ret(5, 1d) > 1%", "no-series"),
]


@pytest.mark.parametrize(("text", "code"), MEANINGLESS)
def test_what_makes_no_sense_is_told(text: str, code: str) -> None:
    """Units, names, windows and arguments are checked before anything runs."""
    found = analyse(parse(text), SCOPE, "condition").findings
    assert code == (found[0].code if found and found[0].severity == "error" else "~" + found[0].code if found else "")


def test_suggestions_name_the_nearest() -> None:
    """A misspelt function is answered with the one that was meant."""
    assert "zscore" == analyse(parse("zscor(AA, 20d) > 2"), SCOPE).findings[0].suggestion


def findings_of(text: str) -> tuple[Finding, ...]:
    try:
        return analyse(parse(text), SCOPE).findings
    except ExpressionError as error:
        return error.errors


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="abAe0159._%()<>=+-*/ ,\"'[]{}!&|^~@#$\\\n中pbkd", max_size=60))
def test_any_text_is_read_or_refused(text: str) -> None:
    """No text makes the reader fail in another way than with an ``ExpressionError``."""
    offsets = [finding.offset for finding in findings_of(text)]
    assert all(0 <= offset <= len(text) for offset in offsets)


@settings(max_examples=100, deadline=None)
@given(conditions(2))
def test_a_tree_written_back_means_the_same(text: str) -> None:
    """``str`` of a tree parses to an equal tree."""
    tree = parse(text)
    assert tree == parse(str(tree))
