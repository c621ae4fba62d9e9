"""Every mistake that the rules can name has Chinese words."""

import ast
import errno
import os
import re
from dataclasses import replace
from pathlib import Path

import pytest
from pydantic import TypeAdapter

import rules
from adapters import store
from adapters.store.link import _DIAGNOSES
from bot.locale.problems import ZH, told
from bot.locale.reports import reported
from bot.locale.sources import place_name, source_name
from bot.locale.traces import because, expression_of, value_of
from rules.loading.check import check
from rules.loading.universe_file import load_universe
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
        ("unknown-name", 5, "NVDA", "ret(NVDIA, 1d)", "没有名为 “NVDIA” 的标的或数据，是否 NVDA？"),
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
    assert told(problem, "zh") == "未知字段 “treshold”，是否 threshold？"
    assert told(problem, "en") == "a rule has no key 'treshold'; did you mean threshold?"


WRONG = """\
version: 1
rules:
  - id: Bad Id
    title: {en: "A {BTC}", zh: 甲}
    when: ret(NVDIA, 1d) >= 5
    treshold: 3
    for: soon
    severity: urgent
    every: XNYS clos+20m
  - id: two
    title: {en: A, zh: 甲}
    when: rel(SOX, SOX, this_week) <= -2%
    say: "{close(BTC):+.1%} }"
    on_missing: explode
    labels: {x: "{close(BTC)}"}
  - id: two
    title: {en: A, zh: 甲}
    when: sma(BTC) > 5 and ret(BTC, 0d) > 1% or BTC > 5 EUR or std(BTC, 2d) > 1
    id: three
    group_by: [sector]
  - id: four
    title: {en: A, zh: 甲}
    when: BTC.close > 5 and fooo(BTC) > 1 and 5 + (BTC > 3) > 1
    for_each: universe.aix
  - id: five
    title: {en: A, zh: 甲}
    when: rsi(BTC, 14d) > 150
    chart: [a]
tests:
  - name: a
    start: never
    step: 5x
"""
CHINESE = """\
3:9 规则 id “Bad Id” 无效，只能用小写字母、数字和连字符
5:15 没有名为 “NVDIA” 的标的或数据，是否 NVDA？
5:26 百分比与纯数字 5 比较，请写成 5%
7:10 “soon” 不是时长，例：30m、2h、1d、2 sessions
8:15 severity 不能是 “urgent”，可用：info, warning, critical, health
12:36 百分比与百分点不同，请统一写成 % 或 pp
18:11 sma 需要 2 个参数，而不是 1 个：sma(x, w)
18:37 窗口须为不小于 1 的整数个交易日，而不是 0d
19:5 “id” 已在第 16 行出现过，请只保留一处
23:11 没有属性，请写成 close(BTC)
27:11 when 永远不会成立：rsi(BTC, 14d) 的取值范围为 >= 0 and <= 100
""".splitlines()


def test_every_mistake_of_a_file_is_told_in_chinese(tmp_path: Path) -> None:
    """With what is wanted in its place; expressions, keys and names stay."""
    pack = tmp_path / "wrong.yaml"
    pack.write_text(WRONG, encoding="utf-8")
    problems = check([pack], load_universe(None)).problems
    told_there = [f"{each.line}:{each.column} {told(each, 'zh')}" for each in problems]
    assert len(problems) > 20
    assert [] == [line for line in told_there if not re.search("[\u4e00-\u9fff]", line)]
    assert [] == [line for line in CHINESE if line not in told_there]


def test_what_the_store_says_is_told_in_chinese() -> None:
    """Each sentence with which it gives up, with its places and what to do."""
    sentences = {diagnosis.format(said="why") for _, diagnosis in _DIAGNOSES} | given_up()
    assert len(sentences) > 15
    assert [] == [each for each in sentences if not re.search("[\u4e00-\u9fff]", reported(each, "zh"))]
    place = "the store at redis://db:6379/0 is a read-only replica; REDIS_URL must name the primary"
    assert reported(place, "zh") == "存储 redis://db:6379/0 是只读副本；REDIS_URL 须指向主库"
    assert reported(place, "en") == place
    refused = f"cannot use the data directory /data: {os.strerror(errno.EACCES)}; set TAPEWATCH_HOME"
    assert reported(refused, "zh") == "无法使用数据目录 /data：没有权限；请设置 TAPEWATCH_HOME"


def given_up() -> set[str]:
    """The messages of ``StoreUnavailable`` in the source of the store, a number in place of each value."""
    found = set()
    for file in Path(store.__file__).parent.glob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "StoreUnavailable":
                text = node.args[0]
                pieces = text.values if isinstance(text, ast.JoinedStr) else [text]
                words = [str(each.value) if isinstance(each, ast.Constant) else "7" for each in pieces]
                found |= {"".join(words)} - {"7", "the store at 7 7"}
    return found


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


def test_the_reason_of_a_decision_is_told_in_chinese() -> None:
    """Figures as Chinese readers write them; the rule's own words stay."""
    said = "BTC_ETF = -$54.9M; the rule says BTC_ETF < 0 USD"
    assert (because(said, "zh"), because(said, "en")) == ("BTC_ETF = -0.55 亿美元；规则为 BTC_ETF < 0 USD", said)
    assert because("is_high(BTC, 52w)", "zh") == "is_high(BTC, 52w)"


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


@pytest.mark.parametrize(
    ("reported_in_english", "chinese"),
    [
        (
            "https://api.nasdaq.com/api: ConnectError before the answer was complete",
            "https://api.nasdaq.com/api：应答完成前连接中断（ConnectError）",
        ),
        (
            "https://farside.co.uk/btc/: HTTP 403 with a challenge page for browsers",
            "https://farside.co.uk/btc/：HTTP 403，返回了针对浏览器的验证页面",
        ),
        ("its total is 'n/a'; wanted a number", "its total 为 'n/a'，应为数字"),
        ("a sentence of the service's own", "a sentence of the service's own"),
    ],
)
def test_what_a_source_did_is_told_in_chinese(reported_in_english: str, chinese: str) -> None:
    """Addresses and figures stay; a sentence that isn't known does too."""
    assert (chinese, reported_in_english) == (reported(reported_in_english, "zh"), reported(reported_in_english, "en"))
