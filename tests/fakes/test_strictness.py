"""The fakes refuse what the real services refuse; a lenient fake would prove nothing."""

import json
from typing import Any

import aiohttp
import pytest

from tests.fakes.rates import Limit, Rates
from tests.fakes.slack_blocks import Refused, check_blocks, markup_problems, visible
from tests.fakes.slack_server import FakeSlack
from tests.fakes.telegram_html import CannotParse, Entity, parse_html
from tests.fakes.telegram_server import FakeTelegram


@pytest.mark.parametrize(
    ("html", "complaint"),
    [
        ("a < b", 'Unsupported start tag "" at byte offset 2'),
        ("费<x>", 'Unsupported start tag "x" at byte offset 3'),
        ("<b>x", 'Can\'t find end tag corresponding to start tag "b"'),
        ("x</b>", "Unexpected end tag at byte offset 1"),
        ("<b><i>x</b></i>", 'Unmatched end tag at byte offset 7, expected "</i>", found "</b>"'),
        ("<b><code>x</code></b>", 'Entity "code" inside "b"'),
        ("<pre><b>x</b></pre>", 'Entity "b" inside "pre"'),
    ],
)
def test_html_that_telegram_refuses(html: str, complaint: str) -> None:
    """In the service's own words."""
    with pytest.raises(CannotParse) as caught:
        parse_html(html)
    assert str(caught.value).startswith(complaint)


def test_entities_are_counted_in_utf16_units() -> None:
    """An emoji is two; what is escaped is one; the hundred-and-first entity is ignored."""
    assert parse_html("🚨<b>a&lt;b</b>") == ("🚨a<b", [Entity("bold", 2, 3)])
    assert len(parse_html("<b>x</b>" * 101)[1]) == 100


async def call(server: FakeTelegram, method: str, **parameters: Any) -> tuple[int, dict[str, Any]]:
    """One call of the Bot API."""
    form = {key: value if isinstance(value, str) else json.dumps(value) for key, value in parameters.items()}
    url = f"{server.base_url}/bot{server.token}/{method}"
    async with aiohttp.ClientSession() as session, session.post(url, data=form) as answer:
        return answer.status, await answer.json()


def keyboard(data: str, text: str = "x") -> dict[str, Any]:
    """One button."""
    return {"inline_keyboard": [[{"text": text, "callback_data": data}]]}


@pytest.mark.parametrize(
    ("parameters", "description"),
    [
        ({"text": "x" * 4097}, "Bad Request: message is too long"),
        ({"text": "🚨" * 2049}, "Bad Request: message is too long"),
        ({"text": " \n "}, "Bad Request: message text is empty"),
        ({"text": "x", "reply_markup": keyboard("中" * 22)}, "Bad Request: BUTTON_DATA_INVALID"),
        ({"text": "x", "message_thread_id": 9}, "Bad Request: message thread not found"),
        ({"text": "<b>x", "parse_mode": "HTML"}, "Bad Request: can't parse entities: "),
        ({"text": "x", "chat_id": 5}, "Bad Request: chat not found"),
        ({"text": "x", "reply_parameters": {"message_id": 99}}, "Bad Request: message to be replied not found"),
    ],
)
async def test_messages_that_telegram_refuses(parameters: dict[str, Any], description: str) -> None:
    """Lengths, buttons, topics and targets are checked."""
    async with FakeTelegram() as server:
        server.add_chat(42)
        status, body = await call(server, "sendMessage", **{"chat_id": 42, **parameters})
        accepted, _ = await call(server, "sendMessage", chat_id=42, text="x" * 4096, reply_markup=keyboard("x" * 64))
    assert (status, body["description"][: len(description)], accepted) == (400, description, 200)


async def test_rates_are_enforced_on_request() -> None:
    """One message a second and chat; the answer says how long to wait."""
    async with FakeTelegram() as server:
        server.add_chat(42)
        server.rates.enforced = True
        first, _ = await call(server, "sendMessage", chat_id=42, text="a")
        second, body = await call(server, "sendMessage", chat_id=42, text="b")
    assert (first, second, body["parameters"]["retry_after"]) == (200, 429, 1)


def test_a_refused_request_takes_no_token() -> None:
    """Where one bucket is empty the others stay as they are."""
    rates = Rates(enforced=True)
    limits = {"all": Limit(30, 2), "chat": Limit(1, 1)}
    waits = [rates.wait_for(limits) > 0, rates.wait_for(limits) > 0, rates.wait_for({"all": Limit(30, 2)}) > 0]
    assert waits == [False, True, False]


def section(text: str) -> dict[str, Any]:
    """A section block."""
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


def table(rows: int, columns: int = 1, cell: str = "x") -> dict[str, Any]:
    """A table block."""
    return {"type": "table", "rows": [[{"type": "raw_text", "text": cell}] * columns] * rows}


def actions(*ids: str, value: str = "x") -> dict[str, Any]:
    """An actions block."""
    text = {"type": "plain_text", "text": "x"}
    return {
        "type": "actions",
        "elements": [{"type": "button", "action_id": i, "text": text, "value": value} for i in ids],
    }


@pytest.mark.parametrize(
    "blocks",
    [
        [section("x")] * 51,
        [section("x" * 3001)],
        [section("")],
        [{"type": "header", "text": {"type": "plain_text", "text": "x" * 151}}],
        [{"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}] * 11}],
        [actions(*map(str, range(26)))],
        [actions("same", "same")],
        [actions("a", value="x" * 2001)],
        [table(101)],
        [table(1, 21)],
        [table(1), table(1)],
        [table(100, 20, "x" * 6)],
        [table(1, cell="")],
        [{"type": "mystery"}],
    ],
)
def test_blocks_that_slack_refuses(blocks: list[dict[str, Any]]) -> None:
    """Each limit of Block Kit."""
    with pytest.raises(Refused):
        check_blocks(blocks)


def test_blocks_within_the_limits() -> None:
    """The very limits are accepted."""
    check_blocks([section("x" * 3000)] * 48 + [table(100), actions(*map(str, range(25)))])


def test_live_markup_is_noticed() -> None:
    """A mention, a link and a bare sign are problems; Slack's date and escapes are not."""
    text = "<!channel> <@U1> a & b"
    assert markup_problems(text) == ["live token <!channel>", "live token <@U1>", "unescaped &"]
    fine = "&lt;!channel&gt; &amp; <!date^1^{time}|noon>"
    assert (markup_problems(fine), visible(fine)) == ([], "<!channel> & noon")


async def test_slack_wants_a_text_a_token_and_a_scope() -> None:
    """A message without text would be silent for screen readers."""
    async with FakeSlack() as server, aiohttp.ClientSession() as session:
        server.add_channel("C1")

        async def post(token: str, **body: Any) -> str:
            headers = {"Authorization": f"Bearer {token}"}
            async with session.post(f"{server.base_url}chat.postMessage", json=body, headers=headers) as answer:
                return str((await answer.json()).get("error"))

        found = [
            await post("xoxb-wrong", channel="C1", text="x"),
            await post(server.bot_token, channel="C1", blocks=[section("x")]),
            await post(server.bot_token, channel="C2", text="x"),
        ]
        server.scopes.clear()
        found.append(await post(server.bot_token, channel="C1", text="x"))
    assert found == ["invalid_auth", "no_text", "channel_not_found", "missing_scope"]
