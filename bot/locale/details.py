"""What ``rules`` says of a mistake, or of how a rule is evaluated, in Chinese, with its names and figures.

Each row is the English sentence as a pattern, and its Chinese. ``rules`` writes the English; expressions stay.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.locale.reports import system_words
from rules.model import Lang

_UNITS = {
    "a plain number": "纯数字",
    "a condition": "条件",
    "a percentage": "百分比",
    "percentage points": "百分点",
    "basis points": "基点",
    "a length of time": "时长",
    "days": "天数",
    "a date": "日期",
    "a price in mixed currencies": "多种货币的价格",
    "a mapping": "映射（键: 值）",
    "a list": "列表",
    "a text": "文字",
    "a number": "数字",
    "nothing": "空值",
    "a valid integer, unable to parse string as an integer": "整数",
    "a valid integer": "整数",
    "a valid number, unable to parse string as a number": "数字",
    "a valid boolean, unable to interpret input": "true 或 false",
    "a valid list": "列表",
    "a valid string": "文字",
    "a valid dictionary": "映射（键: 值）",
}
_AMOUNT = re.compile(r"(a price|money) in ([A-Z]{3})")

_ROWS: Sequence[tuple[str, str]] = (
    (r"(\w+) takes (\d+) arguments?, not (\d+): (.*)", r"\1 需要 \2 个参数，而不是 \3 个：\4"),
    (r"(.*) has no key '([^']*)'; there are (.*)", r"没有字段 “\2”，可用：\3"),
    (r"(.*) has no key '([^']*)'", r"没有字段 “\2”"),
    (r"unknown setting (\S+)", r"没有设置项 “\1”"),
    (r"(\S+) is one of (.*), not '([^']*)'", r"\1 不能是 “\3”，可用：\2"),
    (r"(?:\w+: )?'([^']*)' is none of (.*)", r"“\1” 无效，可用：\2"),
    (r"group_by names no label '([^']*)'; there are (.*)", r"group_by 中没有标签 “\1”，可用：\2"),
    (
        r"(?:(\w+): )?'([^']*)' is no length of time; wanted one such as 30m, 2h or 1d(, or 2 sessions)?",
        r"“\2” 不是时长，例：30m、2h、1d、2 sessions",
    ),
    (r"(?:(\w+): )?'([^']*)' is longer than ten years", r"“\2” 超过十年"),
    (r"(?:(\w+): )?'([^']*)' is no instant; wanted (\S+) or (\S+)", r"“\2” 不是时间，例：\3 或 \4"),
    (r"every: '([^']*)' is more than a day away from the (open|close)", r"“\1” 距开盘或收盘超过一天"),
    (
        r"every: '([^']*)' says not when; wanted (.*) or an interval such as 15m",
        r"“\1” 没有说明何时，例：\2，或间隔如 15m",
    ),
    (r"every: '([^']*)' is no interval from 1s to 1d", r"间隔 “\1” 须在 1s 与 1d 之间"),
    (r"(?:\w+: )?no calendar is called '([^']*)'; wanted .*", r"没有交易日历 “\1”，请用交易所代码如 XNYS，或 24/7"),
    (r"'([^']*)' is no format; wanted such as (.*)", r"“\1” 不是显示格式，例：\2"),
    (
        r"'([^']*)' is no tag; wanted a word such as (.*), since universe\.TAG names the list",
        r"“\1” 不能作标签，例：\2",
    ),
    (
        r"(?:key )?'?(.*?)'? stands already in (?:line (\d+)|(.*):(\d+)); (?:an id stands once|keep one)",
        r"“\1” 已在第 \2\4 行出现过，请只保留一处",
    ),
    (r"'([^']*)' names (.*) already in line (\d+); a name means one instrument", r"“\1” 已在第 \3 行用作 \2 的名称"),
    (r"'(.*)' must be a mapping of series to figures(?:, not (.*))?", r"“\1” 须为“数据: 数值”的映射"),
    (r"'?(.*?)'? must be (a mapping|a list|a text|true or false), not (.*)", r"“\1” 须为\2，而不是\3"),
    (r"(.*) has neither en nor zh", r"\1缺少 en 或 zh"),
    (r"a test has no 'step'; wanted a length such as 5m, or session", "测试缺少 “step”，例：5m 或 session"),
    (r"a test has no 'expect'; .*", "测试缺少 “expect”；空列表表示不应触发"),
    (r"\S+ compared with the plain number (\S+); write (\S+)", r"百分比与纯数字 \1 比较，请写成 \2"),
    (r".* compared with the plain number (\S+); write (\S+)", r"百分比与纯数字 \1 比较，请写成 \2"),
    (r"(\w+) is a plain number, and (\S+) is (\S+); write a number", r"\1 是纯数字，而 \2 等于 \3，请写成数字"),
    (r"money in (\w+) is compared with a plain number; write 5bn \w+", r"\1 金额与纯数字比较，请带上货币，例：5bn \1"),
    (r"(.*) can't be (?:compared|combined) with (.*)", r"\1与 \2不能比较或相加"),
    (
        r"a condition is wanted, this is (.*); compare it with something",
        r"这里需要条件，而这是\1，请加上比较，例：> 140",
    ),
    (r"values have no attributes; write (.*)", r"没有属性，请写成 \1"),
    (r"(\S+) is a window; it belongs in a function such as (.*)", r"\1 是时间窗口，须写在函数里，例：\2"),
    (r"(\w+) is a function; call it as (.*)", r"\1 是函数，请写成 \2"),
    (r"wanted a window: (.*)", r"这里需要窗口，可用：\1"),
    (r"a window has a whole number of sessions, at least 1, not (\S+)", r"窗口须为不小于 1 的整数个交易日，而不是 \1"),
    (r"the window (\S+) is longer than (\S+) sessions", r"窗口 \1 超过 \2 个交易日"),
    (r"wanted a count from 0 to (\S+), not (.*)", r"须为 0 到 \1 的整数，而不是 \2"),
    (
        r"(\w+) needs sessions or bars; a length of time is for fresh\(x, 30m\)",
        r"\1 需要交易日或 K 线根数；时长只用于 fresh(x, 30m)",
    ),
    (r"(\w+) needs at least (\d+) sessions(?:, not (\d+))?", r"\1 至少需要 \2 个交易日"),
    (r"(\w+) wants a number of sessions such as (.*)", r"\1 需要交易日数，例：\2"),
    (r"fresh wants a length such as (.*)", r"fresh 需要时长，例：\1"),
    (r"(when|clear) can never hold for (.*): no value satisfies it", r"\1 永远不会成立：\2 没有满足条件的取值"),
    (r"(when|clear) can never hold for (.*): it is always (.*)", r"\1 永远不会成立：\2 的取值范围为 \3"),
    (
        r"this part of (when|clear) can never hold for (.*): no value satisfies it",
        r"\1 的这一部分永远不会成立：\2 没有满足条件的取值",
    ),
    (
        r"this part of (when|clear) can never hold for (.*): it is always (.*)",
        r"\1 的这一部分永远不会成立：\2 的取值范围为 \3",
    ),
    (r"(when|clear) always holds: (.*) is always (.*)", r"\1 恒成立：\2 始终为 \3"),
    (r"this part of (when|clear) always holds: (.*) is always (.*)", r"\1 的这一部分恒成立：\2 始终为 \3"),
    (
        r"clear holds where when does too \((.*)\), so the alert would fire and resolve without end",
        r"clear 与 when 会同时成立（\1），提醒会反复触发和解除",
    ),
    (
        r"when reads no series, so nothing ever makes it run; .*",
        "when 没有用到任何数据，永远不会计算；请写上标的，或加 every: 15m",
    ),
    (r"when says nothing about `it`, .*", "when 没有用到 it，对所有标的结果相同；请写上 it，或去掉 for_each"),
    (
        r"before the close a session's figures are still running; wanted close\+20m or so",
        "收盘前当日数据尚未定，建议用 close+20m",
    ),
    (r"the label '([^']*)' holds a figure, .*", r"标签 “\1” 中有数值，每个新数值都会成为新提醒；请放进 say"),
    (r"(\w+) could show nothing: .*", r"\1 可能显示为空：数据缺失时没有文字，请补上几个字"),
    (r"the format (\S+) doesn't suit (.*); leave it out to have the usual one", r"格式 \1 不适合 \2，省略则用默认格式"),
    (r"the expression has more than (\d+) parts; .*", r"表达式超过 \1 项，请拆成宏或多条规则"),
    (r"with its macros the expression has more than (\S+) parts; .*", r"展开宏后表达式超过 \1 项，请拆成多条规则"),
    (r"the expression is nested more than (\d+) levels deep", r"表达式嵌套超过 \1 层"),
    (r"there are no rule packs in this folder; .*", "此文件夹中没有规则文件（.yaml 或 .yml）"),
    (r"the file has more than (\S+) bytes; wanted at most that", r"文件超过 \1 字节"),
    (r"byte (0x\w+) isn't UTF-8; save it as UTF-8", r"字节 \1 不是 UTF-8，请另存为 UTF-8"),
    (r"can't be read: (.*)", r"无法读取：\1"),
    (
        r"(.*) can't be read: (.*); wanted a file that holds the secret",
        r"无法读取 \1：\2；应为保存密钥的文件",
    ),
    (r"(.*) is (?:no text|empty); wanted a file that holds the secret", r"\1 为空或不是文本；应为保存密钥的文件"),
    (
        r"secrets can't be set here; wanted environment variables such as (.*) or (.*)",
        r"密钥不能写在这里，请用环境变量，例：\1 或 \2",
    ),
    (r"'([^']*)' is not a section with keys of its own", r"“\1” 不是可含子项的设置"),
    (r"the settings are a mapping of sections such as (.*) and (.*)", r"设置文件应由 \1、\2 等小节组成"),
    (
        r"(\S+): '([^']*)' is not an IANA time zone(?:; did you mean (.*)\?)?(?: \(got .*)?",
        r"\1：“\2” 不是 IANA 时区，例：Asia/Shanghai",
    ),
    (r"(\S+): '([^']*)' is not a duration; .*", r"\1：“\2” 不是时长，例：5m"),
    (r"(\S+): '([^']*)' are not quiet hours; .*", r"\1：“\2” 不是免打扰时段，例：23:00-07:30"),
    (r"(\S+): '([^']*)' is not a noise budget; .*", r"\1：“\2” 不是通知额度，例：20/1h"),
    (r"(\S+): Input should be (.*) \(got (.*)\)", r"\1：应为 \2，而不是 \3"),
    (r"(\S+): (.*) \(got (.*)\)", r"\1：\3 无效（\2）"),
    ("its own clock strikes", "按自己的时间计算"),
    ("levels are switched off", "未启用价位索引"),
    ("it has members", "逐个标的计算"),
    ("it depends on more than its condition", "不只取决于条件本身"),
    ("some of its members come or go on a date", "部分标的按日期加入或退出"),
    ("it reads more than the close of one symbol", "用到的不止一个标的的收盘价"),
    ("its conditions are not known to be monotone in the price", "条件对价格未必单调"),
    ("its condition is no single comparison", "条件不是单一比较"),
    ("it does not compare one series with a constant", "不是一个数据与常数比较"),
    ("what it compares is no price", "比较的不是价格"),
    ("one price against a constant", "一个价格与常数比较"),
    ("monotone in one price: its levels follow from the closed bars", "对一个价格单调，触发价位由已收盘的 K 线得出"),
    (
        "monotone in one price: its levels follow from the closed bars, its timers are known",
        "对一个价格单调，触发价位由已收盘的 K 线得出，计时已知",
    ),
    (r"not YAML: (.*)", r"不是有效的 YAML：\1"),
)
_PATTERNS = [(re.compile(english, re.DOTALL), chinese) for english, chinese in _ROWS]


def detailed(message: str) -> str:
    """``message`` in Chinese where it is one of these sentences, else ``""``."""
    for pattern, chinese in _PATTERNS:
        if found := pattern.fullmatch(message):
            return re.sub(r"\\(\d)", lambda hole, found=found: _word(found[int(hole[1])] or ""), chinese)  # type: ignore[misc]
    return ""


def reasoned(why: str, lang: Lang) -> str:
    """Why a rule is evaluated as it is, in the reader's language."""
    return detailed(why) or why if lang == "zh" else why


def _word(text: str) -> str:
    """A name stays; what units and kinds of YAML are called is translated."""
    if amount := _AMOUNT.fullmatch(text):
        return f"{amount[2]} {'价格' if amount[1] == 'a price' else '金额'}"
    text = system_words(text)
    return _UNITS.get(text, text.replace(" or ", " 或 ") if "," in text or text == "true or false" else text)
