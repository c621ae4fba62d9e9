"""What whoever runs the bot is told comes in their language, also when the settings are what is wrong."""

from datetime import timedelta
from pathlib import Path

import pytest

from adapters.store.port import LogLine
from bot.app.live import missing
from bot.cli.options import spoken
from bot.locale import say
from bot.operations.alert_page import open_lines, why_lines
from bot.settings import load
from rules.model import Reason, Severity, Status, Trace, TraceLine, Transition, TransitionKind
from tests.bot.app.test_inspect import FRIDAY_CLOSE
from tests.bot.cli.conftest import Tapewatch


@pytest.mark.parametrize(
    ("words", "environ", "file", "lang"),
    [
        ([], {}, "", "en"),
        # what is asked for, in both ways of writing it
        (["status", "--lang", "zh"], {}, "", "zh"),
        (["status", "--lang=zh"], {}, "", "zh"),
        (["status", "--lang", "en"], {"TAPEWATCH_READER__LANG": "zh"}, "", "en"),
        ([], {"TAPEWATCH_READER__LANG": "zh"}, "", "zh"),
        # the file, although it can't be read as settings
        ([], {}, "reader:\n  lang: zh\ndestinatons: x\n", "zh"),
        ([], {}, "destinations: [\nreader: {lang: 'zh'}\n", "zh"),
        ([], {}, "reader: {lang: en}\n", "en"),
    ],
)
def test_a_failure_is_told_in_the_language_that_was_meant(words, environ, file, lang, tmp_path: Path) -> None:
    """The option, the environment, the settings file; else English."""
    config = tmp_path / "config.yaml"
    config.write_text(file, encoding="utf-8")
    assert lang == spoken(["tapewatch", "--config", str(config), *words], environ)


@pytest.mark.parametrize(
    ("arguments", "environ", "status", "told"),
    [
        (("alerts", "--lang", "zh"), {}, 0, "没有待确认、触发中或恢复中的提醒"),
        (("why", "A-7", "--lang", "zh"), {}, 1, "tapewatch: 没有提醒“A-7”"),
        (("routes", "test", "rule=btc-73l", "--lang", "zh"), {}, 1, "tapewatch: 没有规则“btc-73l”，"),
        (("routes", "test", "rule=source-health", "--lang", "zh"), {}, 1, ""),
        (("backtest", "--lang", "zh"), {}, 1, "tapewatch: 没有可供回测的价格"),
        (("run", "slack", "--lang", "zh"), {}, 1, "提醒发往      无\n缺少          destinations："),
        (
            ("status",),
            {"TAPEWATCH_READER__LANG": "zh", "TAPEWATCH_WEB__PORT": "x"},
            1,
            "web.port：应为 整数，而不是 'x'",
        ),
        (
            ("status", "--lang", "zh"),
            {"REDIS_URL": "redis://127.0.0.1:1/0"},
            1,
            "tapewatch: 存储 redis://127.0.0.1:1/0 无法连接",
        ),
        (("outbox", "dead", "--lang", "zh"), {"REDIS_URL": "http://db"}, 1, "REDIS_URL 'http://db' 不是 Redis 地址"),
    ],
)
def test_an_operator_is_told_in_chinese(tapewatch: Tapewatch, arguments, environ, status: int, told: str) -> None:
    """What there is, what is missing, and why nothing could be done."""
    done = tapewatch(*arguments, **environ)
    assert (status, True) == (done.returncode, told in done.stderr), done.stderr


STEP = Transition(
    kind=TransitionKind.FIRED,
    reason=Reason.CONDITION_TRUE,
    rule="btc-etf-outflow",
    rule_version="a1b2c3d4e5",
    alert="btc-etf-outflow",
    labels={},
    at=FRIDAY_CLOSE + timedelta(hours=5),
    observed_at=FRIDAY_CLOSE,
    value=-54.9e6,
    unit="money:USD",
    title={"en": "US spot BTC ETFs: net outflow", "zh": "美国现货比特币ETF单日净流出"},
    say={"en": "", "zh": ""},
    because="",
    severity=Severity.WARNING,
    tags=(),
    group_by=(),
    trace=Trace(
        (TraceLine("BTC_ETF", "-$54.9M", FRIDAY_CLOSE, "farside", Status.FINAL), TraceLine("0 USD", "$0")),
        "BTC_ETF < 0 USD",
        "etf.yaml:12:11",
    ),
)
ENGLISH = """\
2024-11-02 01:00:00  US spot BTC ETFs: net outflow · fired (condition true)
    BTC_ETF  =  -$54.9M  Farside · final · 2024-11-01 20:00
    0 USD    =  $0
    Decided by: BTC_ETF < 0 USD
    btc-etf-outflow a1b2c3d · etf.yaml:12:11"""
CHINESE = """\
2024-11-02 01:00:00  美国现货比特币ETF单日净流出 · 触发（条件成立）
    BTC_ETF  =  -0.55 亿美元  Farside · 终值 · 2024-11-01 20:00
    0 USD    =  $0
    判定依据：BTC_ETF < 0 USD
    btc-etf-outflow a1b2c3d · etf.yaml:12:11"""


def test_the_record_of_an_alert_is_read_in_both_languages() -> None:
    """It was written once, in English."""
    assert ENGLISH == "\n".join(why_lines([STEP], "en"))
    assert CHINESE == "\n".join(why_lines([STEP], "zh"))
    sent = LogLine("A-1:fired", "telegram:1", STEP.at, "sent", "")
    assert f"    told: telegram:1 sent {STEP.at:%Y-%m-%d %H:%M:%S}" == list(why_lines([STEP], "en", [[sent]]))[-1]


def test_open_alerts_are_listed_with_their_phase() -> None:
    """The columns stay aligned under Chinese."""
    found = [
        {
            "phase": "firing",
            "rule": "coin-day-move",
            "labels": {"symbol": "BTC-USD"},
            "since": FRIDAY_CLOSE.isoformat(),
        },
        {"phase": "pending", "rule": "btc-73k", "labels": {}, "since": None},
    ]
    assert list(open_lines(found, "en")) == [
        "firing   coin-day-move  BTC-USD  since 2024-11-01 20:00",
        "pending  btc-73k",
    ]
    assert list(open_lines(found, "zh")) == [
        "触发中  coin-day-move  BTC-USD  自 2024-11-01 20:00",
        "待确认  btc-73k",
    ]


def test_what_a_bare_bot_lacks_has_words() -> None:
    """Each line of the start is a text of the locale."""
    lacking = list(missing(load(None, {"HOME": "/nowhere"}), dry_run=False))
    assert lacking == ["no_destinations", "no_telegram", "no_slack", "no_sosovalue", "no_sec"]
    assert all(say(lang, f"run.{key}") for lang in ("en", "zh") for key in lacking)
