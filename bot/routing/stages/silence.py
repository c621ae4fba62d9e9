"""What somebody silenced is not told; what was announced before is still closed."""

from __future__ import annotations

from bot.routing.stages.base import Hold, Item, Situation
from rules.model import Reason


class SilenceStage:
    """Holds back what a silence holds, until the latest of those that do ends."""

    def hold(self, item: Item, situation: Situation) -> Hold | None:
        """Hold an opening item that is silenced."""
        if item.closing:
            return None
        transition = item.incident.transition
        lists = item.facts.get("list", frozenset())
        found = [s for s in situation.silences if s.holds(transition, situation.destination, situation.now, lists)]
        if not found:
            return None
        last = max(found, key=lambda silence: silence.end)
        said = f": {last.reason}" if last.reason else ""
        return Hold(Reason.SUPPRESSED_SILENCE, f"silenced by {last.author_name} ({last.id}){said}", last.end)
