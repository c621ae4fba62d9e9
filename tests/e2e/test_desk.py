"""A desk at work on both platforms, through the real composition: from what people do to what they read."""

from pathlib import Path

from adapters.store.embedded import open_store
from bot.routing.subscriptions import subscriptions
from bot.settings import AccessSettings, Settings
from tests.e2e.kit import bot, settings_for
from tests.e2e.test_chat import Bitcoin, eventually
from tests.fakes.chat_application import until
from tests.fakes.slack_server import FakeMessage, FakeSlack
from tests.fakes.telegram_server import FakeTelegram

ACCESS = AccessSettings(open=True, analysts=("telegram:42", "slack:U2"))


def with_analysts(settings: Settings, *destinations: str) -> Settings:
    """The same, with one analyst on each platform, and the desk's alerts going to ``destinations``."""
    return settings.model_copy(update={"access": ACCESS, "destinations": destinations})


async def subscribed(home: Path, destination: str) -> list[tuple[str, str]]:
    """What is subscribed at ``destination``, with why nothing is sent there, if so."""
    async with open_store(None, next(home.glob("reference-*"))) as store:
        return [(str(item.matcher), item.parked) for item in await subscriptions(store.documents).at(destination)]


async def test_telegram_from_the_first_tap_to_the_last_message(tmp_path: Path) -> None:
    """Onboarding in Chinese, pictures and files, a group with topics that moves, inline queries, and a blocked bot."""
    async with FakeTelegram(privacy=False) as telegram:
        telegram.add_chat(42)
        telegram.add_chat(43)
        telegram.add_chat(-100, "supergroup", title="Desk", topics={7})
        async with bot(with_analysts(settings_for(tmp_path, telegram)), ("telegram",)):
            # Three taps from nothing to a subscription and a first answer.
            telegram.say(43, "/start", user=43, lang="zh-hans")
            await until(lambda: telegram.sent(43))
            welcome = telegram.sent(43)[0]
            for tap in ("start:zh", "start:#crypto", "movers"):
                button = welcome.button(tap)
                edits = welcome.edits
                telegram.press(welcome, button["callback_data"], user=43, lang="zh-hans")
                await until(lambda edits=edits: welcome.edits > edits)
            assert "涨跌幅" in welcome.text
            assert [("#crypto", "")] == await subscribed(tmp_path, "telegram:43")

            telegram.say(42, "/fng", user=42)
            telegram.say(42, "/chart BTC-USD alerts", user=42)
            telegram.say(42, "/digest xlsx", user=42)
            await until(lambda: {"photo", "document"} <= {message.kind for message in telegram.sent(42)})
            await until(lambda: [m.kind for m in telegram.sent(42)].count("photo") == 2)
            assert "2024-W44-en.xlsx" in {message.file_name for message in telegram.sent(42)}

            telegram.say(-100, "what about $NVDA?", user=42, topic=7)
            telegram.say(-100, "/sub #crypto here", user=42, topic=7)
            await until(lambda: len(telegram.sent(-100)) == 2)
            assert {7} == {message.thread for message in telegram.sent(-100)}
            assert any("135.40" in message.text for message in telegram.sent(-100))
            telegram.migrate(-100, -200)

            async def moved() -> bool:
                return await subscribed(tmp_path, "telegram:-200/7") == [("#crypto", "")]

            assert await eventually(moved)

            query = telegram.ask_inline("英伟达", user=43, lang="zh-hans")
            await until(lambda: telegram.inline_answers[query])
            assert "英伟达" in str(telegram.inline_answers[query])

            telegram.block(43)

            async def parked() -> bool:
                return await subscribed(tmp_path, "telegram:43") == [("#crypto", "removed")]

            assert await eventually(parked)
            assert (telegram.refusals, telegram.unclean) == ([], [])


def alert_in(slack: FakeSlack, channel: str) -> FakeMessage | None:
    """The alert about bitcoin at 73,100 in ``channel``."""
    said = ("btc-73k", "73,100")
    found = (m for m in slack.sent(channel) if all(each in m.visible for each in said) and m.buttons)
    return next(found, None)


async def test_slack_alert_is_explained_muted_replayed_and_taken(tmp_path: Path) -> None:
    """An alert with its buttons, shortcuts and thread; a shared answer; the home page and its buttons."""
    async with FakeSlack() as slack:
        slack.add_channel("C1")
        slack.add_user("U2", name="ann", locale="en-US")
        slack.add_user("U3", locale="zh-CN")
        settings = with_analysts(settings_for(tmp_path, slack=slack), "slack:C1")
        async with bot(settings, ("engine", "sender", "slack")):
            await slack.socket.ready()
            bitcoin = Bitcoin(tmp_path)

            await bitcoin.trades(72_000.0, 73_100.0)
            await until(lambda: alert_in(slack, "C1") is not None)
            alert = alert_in(slack, "C1")
            assert alert is not None

            await slack.socket.shortcut("why", alert, user="U2")
            await until(lambda: any("Why A-" in str(body) for body in slack.responses))
            await slack.socket.shortcut("replay", alert, user="U3")
            await until(lambda: any("回放 btc-73k" in str(body) for body in slack.responses))
            await slack.socket.mention("why", user="U2", channel="C1", thread_ts=alert.ts)
            await until(lambda: any("Why A-" in m.visible and m.thread_ts == alert.ts for m in slack.sent("C1")))

            await slack.socket.shortcut("mute", alert, user="U3")
            await until(lambda: any("🔒" in str(body) for body in slack.responses))
            await slack.socket.press(
                alert, next(b["value"] for b in alert.buttons if b["value"].startswith("ack")), user="U2"
            )
            await until(lambda: "ann" in alert.visible)

            await slack.socket.command("/tapewatch", "movers crypto 1w", user="U3", channel="C1")
            await until(lambda: any("嘉楠科技" in str(body) for body in slack.responses))
            whisper = next(body for body in slack.responses if "嘉楠科技" in str(body))
            assert "📣 分享到频道" in str(whisper)

            for retry in (0, 1):
                await slack.socket.direct("/alert BTC crosses 80k", user="U2", event_id="EvSame", retry=retry)
            await until(lambda: any("80k" in message.visible for message in slack.sent()))
            assert 1 == len([message for message in slack.sent() if "BTC crosses 80k" in message.visible])
            await slack.socket.open_home("U2")
            await until(lambda: "BTC crosses 80k" in str(slack.homes.get("U2")))
            assert "btc-73k" in str(slack.homes["U2"]) or "Bitcoin crosses" in str(slack.homes["U2"])
            await slack.socket.press_home("sub:#crypto:dm", user="U2")
            await until(lambda: "unsub:S-" in str(slack.homes["U2"]))
            assert (slack.refusals, slack.pings) == ([], [])
