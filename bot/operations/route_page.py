"""Where an alert would go, by which route, and what may hold it back there: as data and in words."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from bot.locale import say
from bot.routing.routes import Facts, Target, length_text, options_text, targets
from bot.routing.settings import RoutingSettings
from rules.model import Lang


@dataclass(frozen=True, slots=True)
class Outcome:
    """One destination of an alert; ``quiet``, ``budget`` and ``inhibited_by`` are ``""`` for none."""

    target: Target
    urgent: bool
    """Neither quiet hours nor a budget hold it back."""
    quiet: str
    budget: str
    inhibited_by: str

    def to_json(self) -> dict[str, Any]:
        """The outcome for ``--json``."""
        return {
            "destination": self.target.destination,
            "path": self.target.path,
            "options": options_text(self.target.options),
            "urgent": self.urgent,
            "quiet": self.quiet,
            "budget": self.budget,
            "inhibited_by": self.inhibited_by,
        }


def explained(settings: RoutingSettings, destinations: Sequence[str], facts: Facts) -> Sequence[Outcome]:
    """The outcome at each destination, in the order of the routes; what people set in chat is not looked at."""
    return [_outcome(settings, target, facts) for target in targets(settings.tree(tuple(destinations)), facts)]


def _outcome(settings: RoutingSettings, target: Target, facts: Facts) -> Outcome:
    own = settings.destinations.get(target.destination)
    quiet = own.quiet if own and own.quiet else settings.quiet
    budget = own.budget if own and own.budget else settings.budget
    causes = [item.compiled().source for item in settings.inhibit if item.compiled().target.matches(facts)]
    return Outcome(
        target,
        urgent=bool(facts.get("severity", frozenset()) & {severity.value for severity in settings.urgent}),
        quiet=f"{quiet.start:%H:%M}-{quiet.end:%H:%M}" if quiet else "",
        budget=f"{budget.count}/{length_text(budget.period)}" if budget else "",
        inhibited_by="; ".join(map(str, causes)),
    )


def lines(found: Sequence[Outcome], facts: Facts, lang: Lang) -> Iterator[str]:
    """What is known of the alert, then each destination with its route and what may hold the alert back."""
    known = " ".join(f"{name}={','.join(sorted(values))}" for name, values in sorted(facts.items()) if values)
    yield say(lang, "routes.facts", facts=known)
    for each in found:
        yield f"  {each.target.destination}"
        yield f"      {say(lang, 'routes.by', path=each.target.path)}"
        if options := options_text(each.target.options):
            yield f"      {say(lang, 'routes.options', options=options)}"
        yield from (f"      {line}" for line in _manners(each, lang))
    if not found:
        yield f"  {say(lang, 'routes.nowhere')}"
    yield say(lang, "routes.subscribed")


def _manners(each: Outcome, lang: Lang) -> Iterator[str]:
    if each.urgent and (each.quiet or each.budget):
        yield say(lang, "routes.urgent")
    else:
        if each.quiet:
            yield say(lang, "routes.quiet", hours=each.quiet)
        if each.budget:
            yield say(lang, "routes.budget", budget=each.budget)
    if each.inhibited_by:
        yield say(lang, "routes.inhibited", source=each.inhibited_by)
