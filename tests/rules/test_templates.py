"""Message templates: holes, names, braces and what is wrong with them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from rules.templates import parse_template
from rules.universe import Instrument, Kind

NVIDIA = Instrument("NVDA", {"en": "Nvidia", "zh": "英伟达"}, Kind.EQUITY, "USD", "XNYS")


def test_holes_are_filled_in_the_readers_language() -> None:
    """Names, figures and braces."""
    template = parse_template("{it} ({it:symbol}) {ret(it, 1d):+.1%} {{x}}")
    texts = [template.render(lang, {"ret(it, 1d)": (-0.043, "%")}.__getitem__, NVIDIA) for lang in ("en", "zh")]
    assert texts == ["Nvidia (NVDA) -4.3% {x}", "英伟达 (NVDA) -4.3% {x}"]


def test_an_unknown_figure_is_a_dash() -> None:
    """Unknown is not zero."""
    assert parse_template("{BTC:,.0f}").render("en", lambda _: (None, "price:USD")) == "—"


def test_a_colon_in_quotes_is_no_format() -> None:
    """Quoted symbols may hold anything."""
    (hole,) = parse_template('{ret("A:B", 1d):.1%}').holes
    assert hole.expression == 'ret("A:B", 1d)'


@pytest.mark.parametrize(
    ("text", "offset", "code"),
    [
        ("a {b", 2, "unmatched-brace"),
        ("a } b", 2, "unmatched-brace"),
        ("a {} b", 3, "empty-hole"),
        ("a {:.1%}", 3, "empty-hole"),
        ("a {BTC:.1q}", 7, "bad-format"),
        ("a {BTC!r}", None, None),  # the expression is not the template's business
    ],
)
def test_slips_are_located(text: str, offset: int | None, code: str | None) -> None:
    """Each slip has an offset in the template."""
    expected = [] if code is None else [(offset, code)]
    assert expected == [(slip.offset, slip.code) for slip in parse_template(text).slips]


@given(st.text(st.sampled_from("ab{}:.%+it \"'"), max_size=30))
def test_any_text_can_be_parsed_and_rendered(text: str) -> None:
    """A template without slips renders; text without braces renders as itself."""
    template = parse_template(text)
    rendered = template.render("en", lambda _: (1.0, ""), NVIDIA)
    assert template.slips or "{" in text or "}" in text or rendered == text
