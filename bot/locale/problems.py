"""Mistakes in rules and expressions in the reader's language: the loader's own words in English, by code in Chinese."""

from __future__ import annotations

import re
from collections.abc import Mapping

from bot.locale.details import detailed
from rules.model import Lang
from rules.problems import Problem

ZH: Mapping[str, str] = {
    "always-true": "条件的这一部分恒成立",
    "bad-character": "符号 {word} 不能出现在这里",
    "bad-count": "这里需要交易日数或 K 线根数，例：5 或 5 bars",
    "bad-date": "日期 {word} 无效，格式为 YYYY-MM-DD",
    "bad-duration": "时长 {word} 无效，例：30m、2h、1d",
    "bad-every": "every 的写法无效：{word}",
    "bad-figure": "数值 {word} 无效",
    "bad-format": "显示格式无效：{word}",
    "bad-header": "CSV 表头不对，需要 date,open,high,low,close,volume",
    "bad-id": "规则 id {word} 无效，只能用小写字母、数字和连字符",
    "bad-instant": "时间 {word} 无效，例：2024-11-01T20:00Z",
    "bad-macro": "宏 {word} 无法读取",
    "bad-name": "{word} 不能用作名称",
    "bad-row": "这一行数据无法读取",
    "bad-symbol": "代码 {word} 无效",
    "bad-tag": "标签 {word} 无效",
    "bad-template": "花括号不成对，应写成 {{表达式}}",
    "bad-value": "{word} 的取值无效",
    "bad-window": "窗口 {word} 无效，例：5d、this_week、20 bars",
    "builtin": "名称 {word} 为系统保留",
    "calendar": "没有交易日历 {word}，例：XNYS、XHKG、24/7",
    "chained-comparison": "不能连续比较，请写成 a < x and x < b",
    "character": "文件中含有不允许的字符",
    "clear-overlaps": "clear 与 when 会同时成立",
    "condition-in-arithmetic": "条件不能参与加减乘除，请用 and、or、not",
    "cooldown": "cooldown 的时长无效：{word}",
    "currencies-differ": "两边货币不同，不能一起计算",
    "currency": "没有货币 {word}",
    "duplicate-alias": "别名 {word} 重复",
    "duplicate-id": "规则 id {word} 重复",
    "duplicate-key": "字段 {word} 重复",
    "duplicate-symbol": "代码 {word} 重复",
    "early": "评估时间早于数据公布时间",
    "edge-inside": "crosses、enters 等只能单独使用，不能嵌在其他函数里",
    "empty": "没有写条件，例：ret(BTC, 1d) <= -5%",
    "empty-list": "列表 {word} 中没有有行情的标的",
    "empty-message": "消息内容为空",
    "encoding": "文件不是 UTF-8 编码",
    "every": "every 的写法无效：{word}",
    "expires": "expires 无效：{word}",
    "fee": "费率无效：{word}",
    "file-too-large": "文件过大",
    "for": "for 的时长无效：{word}",
    "format-unit": "显示格式与单位不符：{word}",
    "impossible-window": "{word} 不支持这个窗口",
    "it-unused": "规则带有 for_each，但条件里没有用到 it",
    "key": "字段名必须是文字",
    "macro-depth": "宏嵌套过深（最多 8 层）",
    "macro-loop": "宏 {word} 引用了自身",
    "merge": "不支持 YAML 的合并写法",
    "missing-key": "缺少字段 {word}",
    "money-with-number": "金额与纯数字比较，请带上货币，例：5bn USD",
    "no-attributes": "{word} 没有属性，请写成函数，例：high(BTC)",
    "no-it": "it 只能在带 for_each 的规则中使用",
    "no-series": "{word} 需要一个标的或数据",
    "no-packs": "没有找到规则文件",
    "not-a-condition": "{word} 不是条件，需要比较，例：NVDA > 140",
    "not-a-figure": "这里需要数值，{word} 是条件",
    "not-a-number": "这里需要一个数字，而不是 {word}",
    "not-a-series": "这里需要标的或数据的名称，例：BTC",
    "not-a-set": "这里需要一个列表，例：universe.ai",
    "not-a-word": "这里需要一个标签，例：fomc",
    "not-an-event": "这里需要 earnings(标的) 或 event(标签)",
    "not-called": "{word} 是函数，需要带括号和参数",
    "number-with-percent": "纯数字与百分比比较，请去掉 %",
    "percent-with-number": "百分比与纯数字比较，请写成 5% 而不是 5",
    "percent-with-points": "百分比与百分点不同，请统一写成 % 或 pp",
    "same-twice": "rel 的两个标的相同，结果恒为 0",
    "several-documents": "一个文件只能有一份文档",
    "start": "start 的时间无效：{word}",
    "step": "step 无效：{word}",
    "syntax": "{word} 处写法有误",
    "tab": "缩进请用空格，不能用制表符",
    "tag": "不允许 YAML 标签 {word}",
    "too-deep": "嵌套过深",
    "too-large": "数字过大（上限 1e18）",
    "too-long": "表达式过长",
    "too-many-nodes": "表达式过于复杂，请拆成多条",
    "units-differ": "两边单位不同，不能比较",
    "unknown-calendar": "没有交易日历 {word}，例：XNYS、XHKG、24/7",
    "unknown-currency": "没有货币 {word}",
    "unknown-function": "没有函数 {word}",
    "unknown-key": "未知字段 {word}",
    "unknown-label": "没有标签字段 {word}",
    "unknown-list": "没有列表 {word}",
    "unknown-name": "没有名为 {word} 的标的或数据",
    "unknown-rule": "没有规则 {word}",
    "unknown-unit": "没有单位 {word}，可用 %、pp、bp、k、m、bn 或货币",
    "unknown-word": "取值 {word} 无效",
    "unreachable-clear": "clear 永远不会成立",
    "unreachable-when": "when 永远不会成立",
    "unreadable": "文件无法读取",
    "until": "until 的时间无效：{word}",
    "value-in-label": "labels 中不能含数值",
    "value-in-title": "title 中不能含数值",
    "version": "文件须以 version: 1 开头",
    "window-as-value": "{word} 是时间窗口，须写在函数里，例：ret(NVDA, 5d)",
    "wrong-arguments": "{word} 的参数不对",
    "wrong-type": "{word} 的类型不对",
}
"""What is wrong by the problem's code. ``{word}`` is what it is about, in quotes."""

_TOKEN = re.compile(r"\"[^\"]*\"|[\w.^]+%?|\S")
_QUOTED = re.compile(r"'([^']*)'|`([^`]*)`")


def told(problem: Problem, lang: Lang, text: str = "") -> str:
    """What is wrong, and what may have been meant. ``text`` is the expression that the problem's column counts in."""
    said = _in_chinese(problem, text) if lang == "zh" else ""
    if not said:
        return f"{problem.message}; did you mean {problem.suggestion}?" if problem.suggestion else problem.message
    return f"{said}，是否 {problem.suggestion}？" if problem.suggestion else said


def _in_chinese(problem: Problem, text: str) -> str:
    """What is wrong, ``""`` where neither the sentence nor its code is known."""
    if text and problem.column > len(text.rstrip()):
        return "表达式不完整"
    if said := detailed(problem.message):
        return said
    return ZH[problem.code].format(word=_about(problem, text)).replace("此处 ", "此处") if problem.code in ZH else ""


def located(problem: Problem, lang: Lang) -> str:
    """The mistake or doubt after its place, ``file:line:column: …``."""
    doubt = "" if not problem.warning else "warning: " if lang == "en" else "提示："
    return f"{problem.file}:{problem.line}:{problem.column}: {doubt}{told(problem, lang)}"


def _about(problem: Problem, text: str) -> str:
    """What the problem is about: the word at its column, or else the first one that its message quotes."""
    if text:
        found = _TOKEN.search(text, problem.column - 1)
        return f"“{found[0]}”" if found else "此处"
    quoted = _QUOTED.search(problem.message)
    return f"“{quoted[1] or quoted[2]}”" if quoted else "此处"
