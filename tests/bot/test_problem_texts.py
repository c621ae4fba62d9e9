"""Every mistake that the rules can name has Chinese words."""

import ast
import re
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import TypeAdapter

import rules
from bot.locale.problems import ZH, told
from bot.locale.sources import place_name, source_name
from bot.locale.traces import expression_of, value_of
from rules.model import TraceLine
from rules.problems import Problem

_CALLS = {"report", "say", "_say", "_problem", "Problem", "Finding", "Doubt", "ExpressionError", "parsed"}
_CODE = re.compile(r"[a-z]+(-[a-z]+)+")


def codes() -> set[str]:
    """The codes that stand in the source of ``rules``, told by their form."""
    found = set()
    for file in Path(rules.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
                words = [arg.value for arg in node.args if isinstance(arg, ast.Constant) and isinstance(arg.value, str)]
                found |= {word for word in words if name in _CALLS and _CODE.fullmatch(word)}
    return found


def test_each_code_has_a_text() -> None:
    """A new mistake is told in both languages."""
    assert set() == codes() - set(ZH)
    assert len(codes()) > 40


@pytest.mark.parametrize(
    ("code", "column", "suggestion", "text", "said"),
    [
        ("unknown-name", 5, "NVDA", "ret(NVDIA, 1d)", "没有名为 “NVDIA” 的标的或数据，是不是 NVDA？"),
        ("syntax", 7, "", "NVDA >", "表达式不完整"),
        ("units-differ", 6, "", "NVDA > 5%", "两边单位不同，不能比较"),
    ],
)
def test_a_mistake_names_the_word_that_it_is_about(code, column, suggestion, text, said) -> None:
    """The word at the column, in the reader's quotes."""
    assert said == told(Problem("", 1, column, code, "…", suggestion), "zh", text)


def test_a_mistake_in_a_file_names_what_its_message_quotes() -> None:
    """There is no expression to cut the word out of."""
    problem = Problem("etf.yaml", 12, 5, "unknown-key", "a rule has no key 'treshold'", "threshold")
    assert told(problem, "zh") == "未知字段 “treshold”，是不是 threshold？"
    assert told(problem, "en") == "a rule has no key 'treshold'; did you mean threshold?"


@pytest.mark.parametrize(
    ("recorded", "chinese"),
    [
        ("-$54.9M", "-0.55 亿美元"),
        ("+$3.06B", "+30.60 亿美元"),
        ("HK$4.35B", "43.50 亿港元"),
        ("$2.33T", "2.33 万亿美元"),
        ("-2.5pp", "-2.5pct"),
        ("yes", "是"),
        ("unknown: no figure of BTC", "未知：没有 BTC 的数据"),
        ("unknown: not enough history", "未知：历史数据不足"),
        ("5,001.4", "5,001.4"),
    ],
)
def test_a_value_that_was_recorded_in_english_alone_is_translated(recorded: str, chinese: str) -> None:
    """In English it stays as it was recorded."""
    line = TraceLine("x", recorded)
    assert (chinese, recorded) == (value_of(line, "zh"), value_of(line, "en"))


def test_a_value_that_was_recorded_in_both_languages_is_as_it_was_recorded() -> None:
    """A record from before Chinese was kept is read as one without it."""
    line = TypeAdapter(TraceLine).validate_json('{"expression": "SOX", "value": "5,001.4"}')
    assert TraceLine("SOX", "5,001.4") == line
    assert "5001.4" == value_of(replace(line, chinese="5001.4"), "zh")
    assert "5,001.4" == value_of(replace(line, chinese="5001.4"), "en")


def test_what_a_source_s_trace_counts_is_named_in_chinese() -> None:
    """A rule's own words stay as its author wrote them."""
    assert "连续失败次数" == expression_of(TraceLine("failures in a row", "3"), "zh")
    assert "ret(BTC, 1d)" == expression_of(TraceLine("ret(BTC, 1d)", "3%"), "zh")


@pytest.mark.parametrize(
    ("source", "en", "zh"),
    [
        ("farside", "Farside", "Farside"),
        ("sosovalue+theblock", "SoSoValue+The Block", "SoSoValue+The Block"),
        ("farside (single source)", "Farside (single source)", "Farside（单一来源）"),
        ("tencent", "Tencent", "腾讯"),
        ("Wind (printed weekly)", "Wind (printed weekly)", "Wind（周报刊载）"),
        ("Own feed", "Own feed", "Own feed"),
    ],
)
def test_sources_are_called_by_their_names(source: str, en: str, zh: str) -> None:
    """Not by what the code calls them."""
    assert (en, zh) == (source_name(source, "en"), source_name(source, "zh"))


def test_places_are_translated() -> None:
    """What isn't known stays."""
    assert ("美国", "US") == (place_name("US", "zh"), place_name("US", "en"))
    assert place_name("Jackson Hole", "zh") == "Jackson Hole"
