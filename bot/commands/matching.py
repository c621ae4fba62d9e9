"""What a subscription or a silence is about, as people type it."""

from __future__ import annotations

from bot.commands.arguments import Arguments, shown
from bot.commands.context import Context
from bot.commands.errors import Refusal
from bot.commands.names import lists
from bot.routing.subscriptions import Matcher
from rules.problems import nearest


def matcher_from(ctx: Context, args: Arguments, *, example: str) -> Matcher:
    """Take a rule's id, ``#tag``, an instrument, an alert's number (its rule is meant) or ``all`` from ``args``."""
    if args.choice({"all": True, "全部": True}, default=False):
        return Matcher("all")
    rule = args.choice({spec.id.casefold(): spec.id for spec in ctx.rules}, "")
    if rule:
        return Matcher("rule", rule)
    tag = args.choice({f"#{tag.casefold()}": tag for tag in _tags(ctx)}, "")
    if tag:
        return Matcher("tag", tag)
    words = {word: name for word, name in lists(ctx.universe).items() if any(name in spec.tags for spec in ctx.rules)}
    tag = args.choice(words, "", offered=False)
    if tag:
        return Matcher("tag", tag)
    items = args.instruments(ctx.universe, ctx.lang, most=1)
    if items:
        return Matcher("symbol", items[0].symbol)
    if not args.left:
        raise Refusal("error.which_rule", example=example)
    raise _unknown(ctx, args.left[0])


def what_of(ctx: Context, matcher: Matcher) -> str:
    """What a subscription or a silence is about, as the reader calls it."""
    return ctx.say("matcher.all") if matcher.subject == "all" else str(matcher)


def _tags(ctx: Context) -> frozenset[str]:
    return ctx.universe.tags | {tag for spec in ctx.rules for tag in spec.tags}


def _unknown(ctx: Context, word: str) -> Refusal:
    known = [spec.id for spec in ctx.rules] + [f"#{tag}" for tag in _tags(ctx)]
    guess = nearest(word[:60], [*known, *ctx.universe.names])
    key = "error.rule_near" if guess else "error.rule"
    return Refusal(key, word=shown(word), guess=guess)
