"""A group's first notice waits for company, and its later ones keep their distance."""

from __future__ import annotations

from bot.routing.stages.base import Hold, Item, Situation
from rules.model import Reason


class GroupingStage:
    """Holds an item until its group is due: ``group_wait`` after the first, ``group_interval`` after the last."""

    def hold(self, item: Item, situation: Situation) -> Hold | None:
        """Hold an item whose group is not due."""
        options, now = item.target.options, situation.now
        due = situation.waiting.get(item.group)
        if due is None:
            last = situation.flushed.get(item.group)
            recent = last is not None and now < last + options.group_interval
            due = last + options.group_interval if last is not None and recent else now + options.group_wait
        return Hold(Reason.WAITING_FOR_GROUP, "waits for its group", due) if due > now else None
