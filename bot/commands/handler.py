"""The application behind every front end: checks who asks, understands what, and answers or says what went wrong."""

from __future__ import annotations

import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Literal

import structlog

from adapters.chat.port import MenuEntry, Origin, Reply, Request
from adapters.message import Message
from adapters.rendering.text import clean
from adapters.store.port import StoreUnavailable
from bot.commands import answering
from bot.commands.access import Role, role_of
from bot.commands.arguments import LONGEST_PROSE, LONGEST_TEXT, MOST_WORDS, Arguments, candidates_for, shown, split
from bot.commands.catalogue import VERBS
from bot.commands.context import Context, Desk, Verb, note
from bot.commands.errors import Refusal, button, cancel
from bot.commands.home import home
from bot.locale import say
from rules.problems import nearest

log = structlog.get_logger()

_RATE, _BURST = 0.5, 20.0
"""Requests per second and at once of one person."""
_MOST_BUTTONS = 7
PROSE = frozenset({"digest"})
"""The verbs that take an analyst's texts."""
_DOLLAR = re.compile(r"\$([\w.^-]{1,20})")
_OFFERED = (
    "movers", "quote", "flows", "idx", "crypto", "alert", "alerts", "chart", "cal", "earn", "digest", "rules", "why",
    "replay", "subs", "sub", "mute", "fng", "capex", "settings", "status", "help",
)  # fmt: skip
_MENU: Mapping[str, Literal["everywhere", "direct", "group"]] = {
    **dict.fromkeys(_OFFERED, "everywhere"),
    "start": "direct",
    "tg_info": "group",
}
"""The commands that a platform's menu offers, and where."""


class Commands:
    """Answers requests from ``desk``. ``verbs`` are those of the catalogue unless given."""

    def __init__(self, desk: Desk, verbs: Mapping[str, Verb] = VERBS) -> None:
        self._desk = desk
        self._verbs = verbs

    @property
    def menu(self) -> Sequence[MenuEntry]:
        """The commands to offer, most used first."""
        return tuple(
            MenuEntry(name, {"en": say("en", f"help.{name}"), "zh": say("zh", f"help.{name}")}, scope)
            for name, scope in _MENU.items()
            if name in self._verbs
        )

    async def answer(self, request: Request) -> Reply | None:
        """Answer, or say nothing to words that weren't meant for the bot."""
        try:
            return await self._answer(await self._context(request))
        except StoreUnavailable as error:
            log.warning("command_without_store", verb=request.verb, error=str(error))
            return replace(self._plain(request, "error.store"), refused=True)
        except Exception as error:
            incident = f"E-{secrets.token_hex(2).upper()}"
            log.exception("command_failed", incident=incident, verb=shown(request.verb))
            key = (
                "error.internal" if await self._maintainers_told(incident, request, error) else "error.internal_logged"
            )
            return replace(self._plain(request, key, incident=incident), refused=True)

    async def _maintainers_told(self, incident: str, request: Request, error: Exception) -> bool:
        maintainers = self._desk.maintainers
        if maintainers is None:
            return False
        try:
            verb = shown(request.verb) or request.origin.value
            return await maintainers.told(incident, verb, error, self._desk.clock.now())
        except StoreUnavailable:
            return False

    async def working(self, request: Request) -> Reply:
        """What to show while an answer takes longer than a second."""
        return self._plain(request, "working")

    async def moved(self, old: str, new: str) -> None:
        """A chat has a new address: carry its subscriptions, silences and settings over."""
        await self._desk.owners.moved(old, new)

    async def removed(self, destination: str) -> None:
        """The bot was blocked or removed: park what is sent there, and tell whoever subscribed."""
        await self._desk.owners.gone(destination, "removed")

    async def _context(self, request: Request) -> Context:
        return Context(
            desk=self._desk,
            request=request,
            reader=await self._desk.profiles.reader(request),
            role=role_of(request, self._desk.access),
            now=self._desk.clock.now(),
            verbs=self._verbs,
        )

    async def _answer(self, ctx: Context) -> Reply | None:
        try:
            wait = await self._desk.limits.take({f"chat:{ctx.request.user.id}": (_RATE, _BURST)}, ctx.now)
            overheard = ctx.request.origin is Origin.OVERHEARD
            if wait > 0:
                return None if overheard else _refused(ctx, Refusal("error.rate", seconds=max(1, round(wait))))
            if (written := await answering.answer(ctx)) or overheard:
                return written
            found = self._understood(ctx)
            if found is None:
                return None
            verb, args = found
            if ctx.role < verb.role:
                return _refused(ctx, _who_may(ctx, verb))
            return await verb.command(ctx, args)
        except Refusal as refusal:
            return _refused(ctx, refusal)

    def _understood(self, ctx: Context) -> tuple[Verb, Arguments] | None:
        request = ctx.request
        if request.origin is Origin.HOME:
            return replace(self._verbs["subs"], command=home), Arguments("subs", ())
        prose = request.verb.casefold() in PROSE
        if len(request.text) > (LONGEST_PROSE if prose else LONGEST_TEXT) or len(request.verb) > LONGEST_TEXT:
            raise Refusal("error.long", longest=LONGEST_TEXT)
        words = (
            [clean(word) for word in request.text.split(":")]
            if request.origin is Origin.BUTTON
            else split(request.text)
        )
        if len(words) > MOST_WORDS and not prose:
            raise Refusal("error.long", longest=LONGEST_TEXT)
        words = [word for word in words if word]
        if request.verb:
            text = None if request.origin is Origin.BUTTON else request.text
            return self._verb(ctx, words), Arguments(request.verb, words, text=text)
        return self._from_words(ctx, words)

    def _verb(self, ctx: Context, words: Sequence[str]) -> Verb:
        name = ctx.request.verb
        verb = self._verbs.get(name.casefold())
        if verb is None:
            guess = nearest(name[:40], (known.name for known in self._verbs.values() if known.listed))
            again = (*button(f"/{guess}", guess, *words), *cancel(ctx.lang)) if guess else ()
            raise Refusal("error.verb_near" if guess else "error.verb", word=shown(name), guess=guess, buttons=again)
        return verb

    def _from_words(self, ctx: Context, words: Sequence[str]) -> tuple[Verb, Arguments] | None:
        """Words without a command: a verb without its slash, ``$NVDA`` anywhere, or names to be quoted."""
        if words and words[0].lstrip("/").casefold() in self._verbs:
            name = words[0].lstrip("/").casefold()
            return self._verbs[name], Arguments(name, words[1:])
        dollars = [name for name in _DOLLAR.findall(" ".join(words)) if candidates_for(name, ctx.universe)]
        if dollars:
            return self._verbs["quote"], Arguments("quote", dollars[:5])
        inline = ctx.request.origin is Origin.INLINE
        if words and (inline or not ctx.shared):
            return self._verbs["quote"], Arguments("quote", words)
        return None if ctx.shared else (self._verbs["help"], Arguments("help", ()))

    def _plain(self, request: Request, key: str, **values: object) -> Reply:
        """A line that needs nothing but the locale."""
        default = self._desk.profiles.default
        lang = "zh" if request.user.lang.casefold().startswith("zh") else "en" if request.user.lang else default.lang
        return Reply(message=note(say(lang, key, **values)), reader=replace(default, lang=lang))


def _who_may(ctx: Context, verb: Verb) -> Refusal:
    if ctx.role is Role.NOBODY:
        return Refusal("error.not_allowed", chat=ctx.request.chat.destination, user=ctx.request.user.id)
    return Refusal(f"error.role_{verb.role.name.lower()}")


def _refused(ctx: Context, refusal: Refusal) -> Reply:
    text = ctx.say(refusal.key, **refusal.values)
    message: Message = note(text, buttons=refusal.buttons[:_MOST_BUTTONS])
    # An error is told beside what bears the button: the message stays as it is for everybody else.
    toast = text.split("\n")[0][:190] if ctx.pressed else ""
    return Reply(message=message, reader=ctx.reader, refused=True, toast=toast)
