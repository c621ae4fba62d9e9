"""Telegram and Slack: are the tokens taken, may they do what is wanted, and can each destination be written to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from contextlib import AsyncExitStack

from adapters.notifiers.inspection import Identity, Inspector
from adapters.notifiers.port import DeliveryError, DestinationGone, DestinationMoved, Misconfigured
from bot.app.chat import PLATFORMS, lacking
from bot.app.notifiers import destinations_of, schemes_of, unreachable
from bot.operations.findings import Finding, ok, problem, warning
from bot.settings import Settings

_WANTED = {"telegram": "TELEGRAM_TOKEN", "slack": "SLACK_BOT_TOKEN"}


async def look(settings: Settings) -> Sequence[Finding]:
    """Ask each service that has a token, and look at each destination that the settings name."""
    async with AsyncExitStack() as stack:
        findings: list[Finding] = []
        reached: dict[str, Inspector] = {}
        for name, inspector in (await _inspectors(stack, settings)).items():
            if inspector is None:
                findings.append(ok(name, "service_unset", name=_WANTED[name]))
                continue
            told, fine = await _identity(name, inspector)
            findings += told
            if fine:
                reached[name] = inspector
        findings += await _socket(settings, reached)
        findings += await _destinations(settings, reached)
    return [*findings, *_access(settings)]


async def _inspectors(stack: AsyncExitStack, settings: Settings) -> Mapping[str, Inspector | None]:
    found: dict[str, Inspector | None] = dict.fromkeys(_WANTED)
    if token := settings.secrets.telegram_token:
        from adapters.notifiers.telegram_inspection import TelegramInspector  # noqa: PLC0415 - half a second to load

        telegram = TelegramInspector(token, settings.telegram_base_url)
        found["telegram"] = await stack.enter_async_context(telegram)
    if token := settings.secrets.slack_bot_token:
        from adapters.notifiers.slack_inspection import SlackInspector  # noqa: PLC0415

        found["slack"] = await stack.enter_async_context(SlackInspector(token, settings.slack_base_url))
    return found


async def _identity(name: str, inspector: Inspector) -> tuple[list[Finding], bool]:
    try:
        identity = await inspector.identity()
    except Misconfigured as error:
        return [problem(name, "service_refused", why=error, name=name)], False
    except DeliveryError as error:
        return [problem(name, "service_away", why=error)], False
    told = [ok(name, "service", name=name.capitalize(), identity=identity.name)]
    return [*told, *(_scopes(identity) if name == "slack" else ())], True


def _scopes(identity: Identity) -> Iterable[Finding]:
    from adapters.notifiers.slack_inspection import SCOPES  # noqa: PLC0415

    for scope in SCOPES:
        if identity.scopes is not None and scope not in identity.scopes:
            judged = problem if scope == "chat:write" else warning
            yield judged("slack", "scope_missing", scope=scope)


async def _socket(settings: Settings, reached: Mapping[str, Inspector]) -> Iterable[Finding]:
    from adapters.notifiers.slack_inspection import SlackInspector  # noqa: PLC0415

    slack, token = reached.get("slack"), settings.secrets.slack_app_token
    if not isinstance(slack, SlackInspector):
        return []
    if token is None:
        return [warning("slack", "deaf")]
    try:
        await slack.listens(token)
    except Misconfigured as error:
        why = str(error).replace("SLACK_BOT_TOKEN", "SLACK_APP_TOKEN")
        return [problem("slack", "service_refused", why=why, name="slack")]
    except DeliveryError as error:
        return [problem("slack", "service_away", why=error)]
    return [ok("slack", "listens")]


async def _destinations(settings: Settings, reached: Mapping[str, Inspector]) -> list[Finding]:
    wanted, schemes = destinations_of(settings), schemes_of(settings)
    if not wanted:
        return [warning("destinations", "destinations_none")]
    found = []
    for each in wanted:
        scheme = each.partition(":")[0]
        if why := unreachable(each, settings, schemes):
            found.append(problem("destinations", "destination_unserved", why=why))
        elif scheme in reached:
            found.append(await _looked_at(each, scheme, reached[scheme]))
        elif scheme not in _WANTED:  # what keeps a whole service away was told
            found.append(ok("destinations", "destination_trusted", destination=each))
    return found


async def _looked_at(destination: str, scheme: str, inspector: Inspector) -> Finding:
    try:
        await inspector.look(destination)
    except (DestinationGone, DestinationMoved, Misconfigured) as error:
        return problem("destinations", "destination_gone", why=error, name=scheme)
    except DeliveryError as error:
        return warning("destinations", "destination_unsure", why=error)
    return ok("destinations", "destination", destination=destination)


def _access(settings: Settings) -> Sequence[Finding]:
    access = settings.access
    if all(lacking(settings, platform) for platform in PLATFORMS):
        return []
    if access.open:
        return [ok("access", "access_open")]
    people = {name: len(getattr(access, name)) for name in ("admins", "analysts", "viewers", "chats")}
    return [ok("access", "access", **people)] if any(people.values()) else [warning("access", "access_none")]
