"""Processor time of one message, from the neutral message to the service's answer: ``python -m benchmarks.messengers``.

Each of our notifiers stands beside the bare library, with the same text, against a local server in another process;
only the sending side is counted.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import resource
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection

import aiohttp
from pydantic import SecretStr
from slack_sdk.web.async_client import AsyncWebClient
from telegram import Bot
from telegram.request import HTTPXRequest

from adapters.clock import SystemClock
from adapters.message import Button, Message, Move, Paragraph, Reader, Table, Text
from adapters.notifiers.apprise import AppriseNotifier
from adapters.notifiers.port import Notifier, Outgoing
from adapters.notifiers.slack import SlackNotifier
from adapters.notifiers.telegram import TelegramNotifier
from adapters.notifiers.webhook import Endpoint, WebhookNotifier
from adapters.rendering.plain import plain_text
from adapters.rendering.slack import slack_blocks
from adapters.rendering.telegram import telegram_html
from rules.model import Severity
from tests.fakes.json_endpoint import JsonEndpoint
from tests.fakes.slack_server import FakeSlack
from tests.fakes.telegram_server import FakeTelegram

MESSAGES, AT_ONCE = 300, 20
ALERT = Message(
    summary="SOX lags NDX",
    severity=Severity.INFO,
    title=(Text("费城半导体跑输纳指100", "bold"), Text(" · "), Text("sox-vs-ndx-1w", "code")),
    blocks=(
        Paragraph(((Text("SOX "), Move("-4.1%", -1, "bold"), Text(" vs NDX "), Move("-1.6%", -1)),)),
        Table(tuple((f"S{number}.HK", f"-{number}.2%", "嘉楠科技") for number in range(5)), "lrl"),
    ),
    footer=(Text("Yahoo"),),
    buttons=((Button("👀 Ack", "ack:A-1"), Button("🔎 Why", "why:A-1")),),
)
READER = Reader(lang="zh", tz="Asia/Shanghai")
TEXT = plain_text(ALERT, READER)


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the servers listen."""

    telegram: str
    telegram_token: str
    slack: str
    slack_token: str
    endpoint: str


def serve(pipe: Connection) -> None:
    """Run the three servers until told to stop."""

    async def main() -> None:
        async with FakeTelegram() as telegram, FakeSlack() as slack, JsonEndpoint() as endpoint:
            telegram.add_chat(42)
            slack.add_channel("C1")
            pipe.send(Addresses(telegram.base_url, telegram.token, slack.base_url, slack.bot_token, endpoint.url))
            await asyncio.to_thread(pipe.recv)

    asyncio.run(main())


async def cost(send: Callable[[], Awaitable[object]]) -> tuple[float, float]:
    """Processor and wall milliseconds of one message, twenty at once."""
    await asyncio.gather(*(send() for _ in range(AT_ONCE)))
    cpu, wall = time.process_time(), time.perf_counter()
    for _ in range(MESSAGES // AT_ONCE):
        await asyncio.gather(*(send() for _ in range(AT_ONCE)))
    return (time.process_time() - cpu) / MESSAGES * 1e3, (time.perf_counter() - wall) / MESSAGES * 1e3


def ours(notifier: Notifier, destination: str) -> Callable[[], Awaitable[object]]:
    outgoing = Outgoing(key="k", destination=destination, message=ALERT, reader=READER)
    return lambda: notifier.send(outgoing)


async def show(name: str, send: Callable[[], Awaitable[object]]) -> None:
    cpu, wall = await cost(send)
    print(f"{name:<58}{cpu:7.2f} ms of processor {wall:7.2f} ms")


async def measure(at: Addresses) -> None:
    clock, token = SystemClock(), SecretStr(at.telegram_token)
    async with TelegramNotifier(token, clock, at.telegram) as telegram:
        await show("Telegram, rendered, over our transport", ours(telegram, "telegram:42"))
    request = HTTPXRequest(connection_pool_size=AT_ONCE)
    bot = Bot(at.telegram_token, base_url=f"{at.telegram}/bot", request=request)
    await request.initialize()
    await show("  peer: python-telegram-bot alone, plain text", lambda: bot.send_message(42, TEXT))
    await request.shutdown()
    async with SlackNotifier(SecretStr(at.slack_token), clock, at.slack) as slack:
        await show("Slack, rendered", ours(slack, "slack:C1"))
    async with aiohttp.ClientSession() as session:
        client = AsyncWebClient(at.slack_token, base_url=at.slack, session=session, retry_handlers=[])
        await show("  peer: slack-sdk alone, plain text", lambda: client.chat_postMessage(channel="C1", text=TEXT))
    async with WebhookNotifier({"desk": Endpoint(SecretStr(at.endpoint), SecretStr("s"))}, clock) as webhook:
        await show("webhook, signed", ours(webhook, "webhook:desk"))
    apprise = AppriseNotifier({"desk": SecretStr(at.endpoint.replace("http", "json", 1))}, clock)
    await show("  peer: Apprise, plain text", ours(apprise, "apprise:desk"))


def rendering() -> None:
    for name, render in (
        ("render for Telegram", lambda: telegram_html(ALERT, READER)),
        ("render for Slack", lambda: slack_blocks(ALERT, READER)),
    ):
        start = time.process_time()
        for _ in range(500):
            render()
        print(f"{name:<58}{(time.process_time() - start) / 500 * 1e3:7.2f} ms of processor")


def report() -> None:
    """Start the servers, measure, print."""
    here, there = multiprocessing.get_context("spawn").Pipe()
    server = multiprocessing.get_context("spawn").Process(target=serve, args=(there,))
    server.start()
    asyncio.run(measure(here.recv()))
    rendering()
    print(f"{'memory at its highest':<58}{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:7.0f} MB")
    here.send(None)
    server.join()


if __name__ == "__main__":
    report()
