"""Whatever stands in a notice's fields, both services take what is rendered: as text, within every limit."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from pydantic import SecretStr

from adapters.clock import SteppingClock
from adapters.message import Colour, Message, Reader
from adapters.notifiers.port import Outgoing
from adapters.notifiers.slack import SlackNotifier
from adapters.notifiers.telegram import TelegramNotifier
from adapters.rendering.slack import slack_blocks, slack_plain, slack_text
from adapters.rendering.telegram import telegram_html
from bot.alerts.faces import acknowledged, face, standing
from bot.alerts.incidents import Numbering
from bot.alerts.messages import compose
from bot.alerts.notices import Incident
from bot.alerts.scrubbing import scrubbed
from bot.alerts.summaries import summarize
from bot.sending.payload import pack, unpack
from rules.model import Reason, Status, TransitionKind
from tests.bot.routing_kit import NOW, UNIVERSE, transition
from tests.fakes.slack_blocks import blocks_text, check_blocks, markup_problems, mrkdwn_texts
from tests.fakes.slack_server import FakeSlack
from tests.fakes.telegram_html import parse_html, utf16
from tests.fakes.telegram_server import FakeTelegram

ATOMS = [
    "<b>", "</b>", "<script>", "&amp;", "&", "<!channel>", "<!here|x>", "<@U1>", "<#C1>", "<https://e|bank>",
    "<!date^0^x|y>", "*", "_", "~", "`", "```", ":fire:", "> ", "\u202e", "\u2066", "\u200b", "\ufeff", "\u00ad",
    "\x1b[31m", "\x00", "\x07", "\r\n", "\n", "\t", "\u2028", "\ud83d", "\udc00", "🚨", "👨‍👩‍👧", "e\u0301",
    "长" * 40, "NVDA", "+5.4%", "-2.5pp", "-$54.9M", "0.55 亿美元", " ", "{x}", "%s", "x" * 300,
]  # fmt: skip
wild = st.lists(st.sampled_from(ATOMS) | st.text(st.characters(exclude_categories=()), max_size=6), max_size=12).map(
    "".join
)
endless = wild | st.sampled_from(ATOMS).map(lambda atom: (atom * 10_000)[:10_000])
labels = st.dictionaries(wild, wild, max_size=3)
both = st.fixed_dictionaries({"en": endless, "zh": endless})
transitions = st.builds(
    transition,
    st.just("a"),
    st.sampled_from([TransitionKind.FIRED, TransitionKind.RESOLVED, TransitionKind.CORRECTED, TransitionKind.HEALTH]),
    st.sampled_from([Reason.FIRST, Reason.DATA_MISSING]),
    rule=wild.map(lambda text: text or "r"),
    title=both,
    say=both,
    because=wild,
    labels=labels,
    sources=st.lists(wild, max_size=3).map(tuple),
    value=st.none() | st.floats() | st.floats(-1e300, 1e300),
    unit=st.sampled_from(["", "%", "pp", "USD", "HKD"]) | wild,
    calendar=st.sampled_from(["XNYS", "XHKG", "24/7"]) | wild,
    status=st.sampled_from(list(Status)),
)
readers = st.builds(
    Reader,
    lang=st.sampled_from(["en", "zh"]),
    colour=st.sampled_from(list(Colour)),
    tz=st.sampled_from(["Asia/Shanghai", "UTC", "../x", ""]),
)


def is_taken(message: Message, reader: Reader) -> None:
    """Both services, as strict as their fakes, accept it, and the outbox keeps it."""
    assert unpack(pack({reader.lang: message})).messages[reader.lang] is not None
    text, entities = parse_html(telegram_html(message, reader))
    assert 0 < utf16(text.strip()) <= 4096
    assert len(entities) <= 100
    blocks = slack_blocks(message, reader)
    check_blocks(blocks)
    fallback, plain = slack_text(message, reader), slack_plain(message, reader)
    assert fallback
    assert plain
    assert [] == [fault for part in (fallback, plain, *mrkdwn_texts(blocks)) for fault in markup_problems(part)]
    for shown in (text, blocks_text(blocks), fallback):
        shown.encode()  # no lone surrogate
        assert not set(shown) & set("\u202e\u2066\u200b\ufeff\x1b\x00\x07\r")


@settings(
    max_examples=30,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    phases=[Phase.explicit, Phase.reuse, Phase.generate],  # what is this long takes for ever to shrink
)
@given(st.lists(transitions, min_size=1, max_size=4), readers)
def test_every_kind_of_notice_is_taken(found, reader):
    """An alert alone, a group, one that is acknowledged and edited, and a summary."""
    incidents = Numbering(999).enter([replace(item, alert=str(number)) for number, item in enumerate(found)]).incidents
    first = incidents[0].transition
    alike = [Incident(each.number, replace(each.transition, kind=first.kind)) for each in incidents]
    opening = replace(first, kind=TransitionKind.FIRED)
    taken = acknowledged(opening, "A-1000", first.because, first.unit, NOW)
    messages = [
        compose(incidents[:1], reader.lang, UNIVERSE),
        compose(alike, reader.lang, UNIVERSE),
        face([standing("A-1000", [opening, taken])], reader.lang, UNIVERSE),
        summarize(incidents, Reason.SUPPRESSED_BUDGET, reader.lang),
    ]
    for message in messages:
        is_taken(message, reader)


async def test_the_services_accept_it_at_the_first_try(services):
    """What a server as strict as the real one refuses, a reader would never see."""
    telegram, slack, notifiers = services
    texts = [*ATOMS, "<&>" * 4000, "🚨" * 3000, "长" * 10_000]
    for atom in texts:
        words = {"en": f"SOX {atom}", "zh": f"费半 {atom}"}
        about = {"title": words, "say": words, "rule": f"r{atom}", "labels": {"symbol": atom}, "sources": (atom,)}
        message = compose([Incident("A-1000", scrubbed(transition("a", **about)))], "zh", UNIVERSE)
        reader = Reader(lang="zh", tz="Asia/Shanghai")
        for destination, notifier in notifiers.items():
            await notifier.send(Outgoing(key="k", destination=destination, message=message, reader=reader))
    assert ([], [], [], []) == (telegram.refusals, telegram.unclean, slack.refusals, slack.pings)
    assert (len(texts), len(texts)) == (len(telegram.sent()), len(slack.sent()))


@pytest.fixture
async def services():
    """Both services, and a notifier for a chat of each."""
    clock = SteppingClock(datetime(2024, 11, 2, tzinfo=UTC))
    async with FakeTelegram() as telegram, FakeSlack() as slack:
        telegram.add_chat(-100)
        slack.add_channel("C1")
        async with (
            TelegramNotifier(SecretStr(telegram.token), clock, telegram.base_url) as first,
            SlackNotifier(SecretStr(slack.bot_token), clock, slack.base_url) as second,
        ):
            yield telegram, slack, {"telegram:-100": first, "slack:C1": second}
