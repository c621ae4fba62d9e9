"""An alert's buttons pressed after a restart, under a message of the process before; and rules reloaded in chat."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

from adapters.store.embedded import open_store
from adapters.store.port import Store
from bot.feeding.archive import Archive
from bot.routing.subscriptions import silences
from bot.settings import AccessSettings, Settings
from rules.model import Observation, Status
from tests.e2e.kit import bot, settings_for
from tests.fakes.chat_application import until
from tests.fakes.slack_blocks import blocks_text
from tests.fakes.slack_server import FakeMessage, FakeSlack
from tests.fakes.telegram_server import FakeTelegram
from tests.fakes.telegram_state import FakeMessage as FakeTelegramMessage

PACK = """version: 1
rules:
  - id: btc-level
    title: {en: Bitcoin at the level, zh: 比特币到达价位}
    when: crosses(BTC, 70_000)
    tags: [crypto]
"""
ACCESS = AccessSettings(open=True, admins=("telegram:41", "slack:U1"), analysts=("telegram:42", "slack:U2"))
PATIENCE_S = 60.0


def desk(home: Path, pack: Path, telegram: FakeTelegram, slack: FakeSlack) -> Settings:
    """One rule, told to one chat of each service; an admin, an analyst and viewers on both."""
    return settings_for(home, telegram, slack).model_copy(
        update={
            "access": ACCESS,
            "rules": (pack,),
            "builtin_rules": False,
            "destinations": ("telegram:-100", "slack:C1"),
        }
    )


async def past_year(store: Store) -> None:
    """Ten weeks of daily closes, which went over the level twice; a picture and a replay are made of them."""
    midnight = datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0) - timedelta(seconds=1)
    days = [midnight - timedelta(days=back) for back in range(70, 0, -1)]
    closes = [71_000.0 if number in {20, 40} else 69_000.0 for number in range(70)]
    bars = [
        Observation(f"prices.BTC-USD.{field}", at, at, close, source="test")
        for at, close in zip(days, closes, strict=True)
        for field in ("open", "high", "low", "close")
    ]
    await Archive(store.bars, store.documents).keep(bars)


async def crossed(store: Store) -> None:
    """Bitcoin trades below the level, then above it, and the engine has seen it."""
    async with asyncio.timeout(PATIENCE_S):
        for price in (69_000.0, 71_000.0):
            now = datetime.now(UTC)
            await store.tape.append([Observation("prices.BTC-USD.close", now, now, price, Status.PARTIAL, "test")])
            while await store.states.cursor() != await store.tape.end():
                await asyncio.sleep(0.05)


def data_of(buttons: list[dict[str, str]], key: str) -> dict[str, str]:
    """The buttons' data by verb; of the mutes the one until the next open."""
    return {b[key].split(":")[0]: b[key] for b in buttons if ":1h" not in b[key] and ":1d" not in b[key]}


async def test_buttons_of_an_alert_work_after_a_restart(tmp_path: Path) -> None:
    """On both services, in the language of who presses, by role, twice without harm, and naming who did it."""
    pack = tmp_path / "level.yaml"
    pack.write_text(PACK, encoding="utf-8")
    async with FakeTelegram() as telegram, FakeSlack() as slack, open_store(None, tmp_path / "home") as store:
        for chat in (42, 43):
            telegram.add_chat(chat)
        telegram.add_chat(-100, "supergroup", title="Desk")
        slack.add_channel("C1")
        slack.add_user("U2", name="ann", locale="en-US")
        slack.add_user("U3", name="li", locale="zh-CN")
        settings = desk(tmp_path / "home", pack, telegram, slack)
        await past_year(store)

        def alert_on_telegram() -> FakeTelegramMessage | None:
            return next((message for message in telegram.sent(-100) if message.keyboard), None)

        def alert_on_slack() -> FakeMessage | None:
            return next((message for message in slack.sent("C1") if message.buttons), None)

        async with bot(settings, ("engine", "sender"), reference=False):
            await crossed(store)
            await until(lambda: alert_on_telegram() and alert_on_slack(), PATIENCE_S)
        told, posted = alert_on_telegram(), alert_on_slack()
        assert told is not None
        assert posted is not None
        values = data_of(posted.buttons, "value")

        async with bot(settings, ("engine", "sender", "telegram", "slack"), reference=False):
            data = data_of([b for row in told.keyboard for b in row], "callback_data")
            assert {"ack", "mute", "why", "replay", "chart"} == set(data)

            async def press(verb: str, user: int, lang: str) -> str:
                query = telegram.press(told, data[verb], user=user, lang=lang)
                await until(lambda: telegram.callback_answers[query], PATIENCE_S)
                return str(telegram.callback_answers[query].get("text", ""))

            assert "🔒" in await press("ack", 43, "en")
            assert "🔒" in await press("mute", 43, "en")
            assert [] == await silences(store.documents).all()
            first, again = await press("ack", 42, "zh-hans"), await press("ack", 41, "zh-hans")
            assert ("User 42" in first, "User 42" in again, "User 41" in again) == (True, True, False)
            assert "User 42" in told.text
            await press("mute", 42, "zh-hans")
            (silence,) = await silences(store.documents).all()
            assert ("telegram:-100", "btc-level") == (silence.destination, silence.matcher.name)
            for verb, words in (("why", "触发原因"), ("replay", "回放 btc-level")):
                await press(verb, 43, "zh-hans")
                await until(lambda words=words: any(words in m.text for m in telegram.sent(-100)), PATIENCE_S)
            pictures = len([m for m in telegram.sent(-100) if m.kind == "photo"])
            await press("chart", 43, "en")
            await until(lambda: len([m for m in telegram.sent(-100) if m.kind == "photo"]) > pictures, PATIENCE_S)

            await slack.socket.ready(PATIENCE_S)

            def whispered(words: str) -> bool:
                return any(words in str(body) for body in slack.responses)

            await slack.socket.press(posted, values["ack"], user="U3")
            await until(lambda: whispered("🔒"), PATIENCE_S)
            await slack.socket.press(posted, values["why"], user="U2")
            await until(lambda: whispered("Why A-"), PATIENCE_S)
            await slack.socket.press(posted, values["replay"], user="U3")
            await until(lambda: whispered("回放 btc-level"), PATIENCE_S)
            files = len(slack.files)
            await slack.socket.press(posted, values["chart"], user="U2")
            await until(lambda: len(slack.files) > files, PATIENCE_S)
            await slack.socket.press(posted, values["mute"], user="U2")
            async with asyncio.timeout(PATIENCE_S):
                while len(await silences(store.documents).all()) < 2:
                    await asyncio.sleep(0.05)
            assert "ann" in {item.author_name for item in await silences(store.documents).all()}
            # whoever took the alert on Telegram is named here too
            await until(lambda: "User 42" in posted.visible, PATIENCE_S)
        # delivery brings each message up to date, also the one that the press has edited already
        refused = [why for why in telegram.refusals if "message is not modified" not in why]
        assert (refused, telegram.unclean, slack.refusals, slack.pings) == ([], [], [], [])


async def test_an_admin_reloads_the_rules(tmp_path: Path) -> None:
    """The difference with last year's fires before and after; a mistake leaves the old rules; only admins may."""
    pack = tmp_path / "level.yaml"
    pack.write_text(PACK, encoding="utf-8")
    async with FakeTelegram() as telegram, FakeSlack() as slack, open_store(None, tmp_path / "home") as store:
        for chat in (41, 42):
            telegram.add_chat(chat)
        slack.add_channel("C1")
        slack.add_user("U1", name="eve", locale="en-US")
        settings = desk(tmp_path / "home", pack, telegram, slack)
        await past_year(store)
        async with bot(settings, ("telegram", "slack"), reference=False):

            async def told(line: str, user: int = 41) -> str:
                known = len(telegram.sent(user))
                telegram.say(user, line, user=user, lang="zh-hans")
                await until(lambda: len(telegram.sent(user)) > known, PATIENCE_S)
                await until(lambda: not telegram.sent(user)[-1].text.startswith("⏳"), PATIENCE_S)
                return telegram.sent(user)[-1].text

            assert "🔒" in await told("/reload", 42)
            pack.write_text(PACK.replace("70_000", "80_000"), encoding="utf-8")
            assert "± btc-level：近一年触发 4 → 0 次" in await told("/dryrun")
            assert "70_000" in await told("/rules show btc-level")
            reloaded = await told("/reload")
            assert "± btc-level：近一年触发 4 → 0 次" in reloaded
            assert "由 User 41 重新加载" in reloaded
            assert "80_000" in await told("/rules show btc-level")
            pack.write_text(PACK.replace("when:", "wenn:"), encoding="utf-8")
            assert "level.yaml:5:5 未知字段 “wenn”" in await told("/reload")
            assert "80_000" in await told("/rules show btc-level")

            pack.write_text(PACK.replace("btc-level", "btc-other"), encoding="utf-8")
            await slack.socket.ready(PATIENCE_S)
            await slack.socket.direct("reload", user="U1")
            await until(lambda: slack.sent() and "by eve" in blocks_text(slack.sent()[-1].blocks), PATIENCE_S)
            said = blocks_text(slack.sent()[-1].blocks)
            assert "- btc-level: 0 fires in the last year" in said
            assert "+ btc-other: 4 fires in the last year" in said
        assert (telegram.refusals, telegram.unclean, slack.refusals, slack.pings) == ([], [], [], [])
