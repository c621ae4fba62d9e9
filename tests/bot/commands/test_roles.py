"""Who may do what: every verb and every button, by role, in a direct chat and in a group."""

from __future__ import annotations

import pytest

from adapters.chat.port import Chat
from bot.commands.access import Role
from bot.commands.catalogue import VERBS
from tests.bot.commands.conftest import Person, shown

NOBODY, VIEWER, ANALYST, ADMIN = Role

NEEDED = {
    # Reading is for whoever is let in.
    **dict.fromkeys(
        [
            "movers", "quote NVDA", "idx", "flows", "crypto", "fng", "chart NVDA 1mo", "cal", "earn AMZN", "capex",
            "rules", "why btc-73k", "replay btc-73k 1mo", "digest", "subs", "status", "start", "flows notify",
        ],
        (VIEWER, VIEWER),
    ),
    # So is one's own.
    **dict.fromkeys(["alert NVDA > 140", "alerts", "unalert all", "sub #crypto", "unsub #crypto dm"], (VIEWER, VIEWER)),
    # What a chat shares is its analysts'; in a direct chat the same words are about oneself.
    **dict.fromkeys(["sub #crypto here", "unsub #crypto here", "settings lang zh"], (VIEWER, ANALYST)),
    **dict.fromkeys(["mute #crypto 2h", "unmute #crypto"], (VIEWER, ANALYST)),
    "settings": (VIEWER, VIEWER),
    # What the desk shares is its analysts' anywhere.
    **dict.fromkeys(
        [
            "ack A-1001", "cal add 2026-12-10 Fed", "cal remove own-1", "digest preview", "digest approve 2024-W44",
            "digest publish 2024-W44", "digest fill 2024-W44 view words", "digest correct 2024-W44 why",
        ],
        (ANALYST, ANALYST),
    ),
    **dict.fromkeys(["reload", "dryrun"], (ADMIN, ADMIN)),
    # The way in is open.
    **dict.fromkeys(["help", "tg_info", "cancel"], (NOBODY, NOBODY)),
}  # fmt: skip
PEOPLE = {NOBODY: "telegram:666", VIEWER: "telegram:3", ANALYST: "telegram:2", ADMIN: "telegram:1"}


def person(ann: Person, role: Role, kind: str) -> Person:
    """Somebody of that role, alone with the bot or in a group."""
    who = PEOPLE[role]
    group = "telegram:-555" if role is NOBODY else "telegram:-100"
    return Person(ann.commands, id=who, name=role.name, chat=Chat(group if kind == "group" else who, kind))


def test_every_verb_is_in_the_table() -> None:
    """A new verb says who may use it."""
    assert set(VERBS) == {line.split()[0] for line in NEEDED}


@pytest.mark.parametrize("kind", ["direct", "group"])
@pytest.mark.parametrize("line", NEEDED)
async def test_a_command_and_its_button_need_the_same_role(ann: Person, line: str, kind: str) -> None:
    """Whoever has less is refused, in words and by button alike; whoever has enough is not."""
    group = person(ann, ANALYST, "group")
    needed = NEEDED[line][kind == "group"]
    for role in Role:
        for pressed in (False, True):
            await group.ask("/mute #crypto 1d")
            await group.ask("/sub #crypto here")
            asker = person(ann, role, kind)
            reply = await (asker.press(line.replace(" ", ":")) if pressed else asker.ask(f"/{line}"))
            assert "Something broke" not in shown(reply)
            assert (role < needed) == reply.message.summary.startswith("🔒"), (role, pressed, shown(reply))
