"""Every verb: who may use it, what it takes, and an example that works."""

from __future__ import annotations

from collections.abc import Mapping

from bot.commands import (
    administering,
    alerts,
    calendar,
    charting,
    companies,
    crypto,
    flows,
    following,
    guide,
    indices,
    movers,
    muting,
    preferences,
    quote,
    replaying,
    rulebook,
    status,
    weekly,
    why,
)
from bot.commands.access import Role
from bot.commands.context import Command, Group, Verb


def _verb(
    name: str,
    command: Command,
    group: Group,
    arguments: str = "",
    example: str = "",
    *,
    role: Role = Role.VIEWER,
    listed: bool = True,
) -> Verb:
    return Verb(name, command, role, group, arguments, example or f"/{name}", listed)


_WINDOWS = "[1d|1w|mtd|ytd]"

VERBS: Mapping[str, Verb] = {
    verb.name: verb
    for verb in (
        _verb("movers", movers.movers, "market", f"[ai|crypto|hk|all] {_WINDOWS} [5] [up|down]", "/movers crypto 1w"),
        _verb("quote", quote.quote, "market", "SYM [SYM…]", "/quote NVDA"),
        _verb("idx", indices.idx, "market", _WINDOWS, "/idx 1w"),
        _verb("flows", flows.flows, "market", "[btc|eth] [1d|5d|15d|week|mtd] [TICKER] [notify]", "/flows btc 5d"),
        _verb("crypto", crypto.crypto, "market"),
        _verb("fng", crypto.fng, "market", "[7d|30d|90d|365d]", "/fng 30d"),
        _verb("chart", charting.chart, "market", "SYM [1mo|3mo|6mo|1y|3y] [vs SYM] [alerts]", "/chart BTC-USD 3mo"),
        _verb("cal", calendar.cal, "research", '[today|week|next] [LIST|SYM] · add DATE "text"', "/cal week ai"),
        _verb("earn", companies.earn, "research", "SYM [6q]", "/earn AMZN"),
        _verb("capex", companies.capex, "research", "[3Q24]"),
        _verb("alert", alerts.alert, "alerts", "EXPRESSION [repeat] [until DATE]", "/alert BTC crosses 73k"),
        _verb("alerts", alerts.alerts, "alerts"),
        _verb("unalert", alerts.unalert, "alerts", "ALERT_ID|all", "/unalert P-3F2A1B9C04D7"),
        _verb("rules", rulebook.rules, "alerts", "[list|near|mine|show ID|test ID]", "/rules near"),
        _verb("why", why.why, "alerts", "ALERT_ID | RULE [DATE]", "/why btc-73k"),
        _verb("replay", replaying.replay, "alerts", "RULE [3mo|1y|3y|FROM..TO]", "/replay btc-73k 1y"),
        _verb("ack", muting.ack, "alerts", "ALERT_ID [note]", "/ack A-1042", role=Role.ANALYST),
        _verb("mute", muting.mute, "alerts", "RULE|#tag|SYM|all [2h|1d|open|close] [because TEXT]", "/mute #crypto 2h"),
        _verb("unmute", muting.unmute, "alerts", "RULE|#tag|SYM|all", "/unmute #crypto"),
        _verb(
            "digest",
            weekly.digest,
            "research",
            "[last|preview|2024-W44|month] [html|pdf|xlsx] · fill SLOT TEXT",
            "/digest last",
        ),
        _verb("sub", following.sub, "mine", "RULE|#tag|SYM [here|dm] [loud|silent]", "/sub #crypto"),
        _verb("unsub", following.unsub, "mine", "RULE|#tag|SYM [here|dm]", "/unsub #crypto"),
        _verb("subs", following.subs, "mine"),
        _verb("settings", preferences.settings, "mine", "lang zh · colour cn · tz ZONE · quiet 23:00-07:30"),
        _verb("status", status.status, "desk"),
        _verb("dryrun", administering.dryrun, "desk", role=Role.ADMIN),
        _verb("reload", administering.reload, "desk", role=Role.ADMIN),
        _verb("help", guide.help_, "desk", "[VERB]", "/help movers", role=Role.NOBODY),
        _verb("cancel", guide.cancel, "desk", role=Role.NOBODY, listed=False),
        _verb("start", guide.start, "desk"),
        _verb("tg_info", guide.tg_info, "desk", role=Role.NOBODY),
    )
}
