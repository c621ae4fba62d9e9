"""While the cause is being told, its consequences are not."""

from __future__ import annotations

from dataclasses import dataclass

from bot.routing.routes import Facts, Matcher
from bot.routing.stages.base import Hold, Item, Situation
from rules.model import Reason


@dataclass(frozen=True, slots=True)
class Inhibition:
    """A firing alert that ``source`` matches holds back those that ``target`` matches and that agree in ``equal``."""

    source: Matcher
    target: Matcher
    equal: tuple[str, ...] = ()

    def holds(self, facts: Facts, source: Facts) -> bool:
        """Whether the alert with the facts ``source`` holds back the one with ``facts``."""
        agree = all(facts.get(name, frozenset()) == source.get(name, frozenset()) for name in self.equal)
        return agree and self.source.matches(source) and not self.source.matches(facts)


class InhibitionStage:
    """Holds back consequences until their cause is over."""

    def __init__(self, inhibitions: tuple[Inhibition, ...]) -> None:
        self._inhibitions = inhibitions

    def hold(self, item: Item, situation: Situation) -> Hold | None:
        """Hold an opening item whose cause is firing."""
        if item.closing:
            return None
        for inhibition in self._inhibitions:
            if not inhibition.target.matches(item.facts):
                continue
            for alert, facts in situation.firing.items():
                if alert != item.incident.transition.alert and inhibition.holds(item.facts, facts):
                    return Hold(Reason.SUPPRESSED_INHIBITION, f"inhibited while {alert} is firing", None)
        return None
