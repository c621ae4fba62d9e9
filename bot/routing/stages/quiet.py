"""Nothing wakes a reader but what is urgent; the rest is told as one summary in the morning."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from bot.routing.stages.base import Hold, Item, Situation
from rules.model import Reason


class QuietHoursStage:
    """Holds everything that is not urgent until the reader's quiet hours end."""

    def hold(self, item: Item, situation: Situation) -> Hold | None:
        """Hold an item that comes in quiet hours."""
        manners = situation.manners
        if manners.quiet is None or item.incident.transition.severity in situation.urgent:
            return None
        until = manners.quiet.until(situation.now, ZoneInfo(manners.tz))
        if until is None:
            return None
        hours = f"{manners.quiet.start:%H:%M}-{manners.quiet.end:%H:%M} {manners.tz}"
        return Hold(Reason.SUPPRESSED_QUIET_HOURS, f"quiet hours {hours}", until)
