"""A whole bot over the recorded week, against a Bot API and a Slack on the loopback."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from pydantic import SecretStr

from bot.app.live import run_bot
from bot.settings import AccessSettings, Secrets, Settings, WebSettings
from tests.fakes.slack_server import FakeSlack
from tests.fakes.telegram_server import FakeTelegram


def settings_for(home: Path, telegram: FakeTelegram | None = None, slack: FakeSlack | None = None) -> Settings:
    """Everyone is a viewer, and the alerts of the desk go to one chat of each service."""
    secrets = Secrets(
        telegram_token=SecretStr(telegram.token) if telegram else None,
        slack_bot_token=SecretStr(slack.bot_token) if slack else None,
        slack_app_token=SecretStr(slack.app_token) if slack else None,
    )
    return Settings(
        home=home,
        telegram_base_url=telegram.base_url if telegram else "http://127.0.0.1:9",
        slack_base_url=slack.base_url if slack else "http://127.0.0.1:9/api/",
        access=AccessSettings(open=True),
        web=WebSettings(port=0),
        secrets=secrets,
    )


@asynccontextmanager
async def bot(
    settings: Settings, roles: Sequence[str], *, reference: bool = True
) -> AsyncIterator[list[tuple[str, str]]]:
    """The bot at work; yields what it reported at its start. What breaks it breaks the test.

    Without ``reference`` it works on the store in its home, which stays for the next one.
    """
    reported: list[tuple[str, str]] = []
    work = asyncio.ensure_future(
        run_bot(settings, roles, dry_run=False, reference=reference, report=lambda *line: reported.append(line))
    )
    try:
        yield reported
        if work.done():
            work.result()
    finally:
        work.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await work
