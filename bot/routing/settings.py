"""The ``routing:`` section of the settings, and what is compiled from it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import time, timedelta
from typing import TYPE_CHECKING, Annotated, Any, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from bot.routing.routes import Matcher, Options, Route
from bot.routing.stages.base import Budget, QuietHours
from bot.routing.stages.inhibition import Inhibition
from rules.model import Severity
from rules.universe import Universe

if TYPE_CHECKING:
    from bot.routing.router import Router

_UNITS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400}


def duration(text: object) -> object:
    """``30s``, ``5m``, ``4h`` or ``1d`` as a timedelta."""
    if not isinstance(text, str):
        return text
    found = re.fullmatch(r"(\d+)\s*([smhd])", text.strip())
    if not found:
        raise ValueError(f"{text!r} is not a duration; wanted a number and s, m, h or d such as 5m")
    return timedelta(seconds=int(found[1]) * _UNITS[found[2]])


def never_or_duration(text: object) -> object:
    """As :func:`duration`; ``never`` is no repetition."""
    return timedelta() if text == "never" else duration(text)


def quiet_hours(text: object) -> object:
    """``23:00-07:30`` as :class:`QuietHours`; the same time twice, or nothing, is never quiet."""
    if not isinstance(text, str):
        return text
    found = re.fullmatch(r"(\d{1,2}):(\d{2})-(\d{1,2}):(\d{2})", text.replace(" ", ""))
    try:
        ends = [time(int(found[i]), int(found[i + 1])) for i in (1, 3)] if found else []
    except ValueError:
        ends = []
    if not ends:
        raise ValueError(f"{text!r} are not quiet hours; wanted HH:MM-HH:MM such as 23:00-07:30")
    return QuietHours(ends[0], ends[1])


def read_quiet_hours(text: str) -> QuietHours | None:
    """What somebody set in chat; ``None`` for nothing, ``off``, or what can't be read."""
    try:
        found = quiet_hours(text)
    except ValueError:
        return None
    return found if isinstance(found, QuietHours) else None


def budget(text: object) -> object:
    """``20/1h`` as a :class:`Budget` of 20 messages in any hour."""
    if not isinstance(text, str):
        return text
    count, slash, period = text.partition("/")
    if not slash or not count.strip().isdigit() or int(count) < 1:
        raise ValueError(f"{text!r} is not a noise budget; wanted COUNT/DURATION such as 20/1h")
    length = duration(period)
    return Budget(int(count), length) if isinstance(length, timedelta) else length


def patterns(value: object) -> object:
    """One pattern or a list of them, as a tuple of text."""
    return (value,) if isinstance(value, str) else value


Patterns = Annotated[tuple[str, ...], BeforeValidator(patterns)]
Match = Mapping[str, Patterns]
Duration = Annotated[timedelta, BeforeValidator(duration)]
Repeat = Annotated[timedelta, BeforeValidator(never_or_duration)]
Quiet = Annotated[QuietHours, BeforeValidator(quiet_hours)]
Noise = Annotated[Budget, BeforeValidator(budget)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, arbitrary_types_allowed=True)


class RouteSettings(_Section):
    """A route. What it leaves out is inherited from the route around it, except ``match`` and ``continue``."""

    match: Match = {}
    to: Patterns | None = None
    continue_: bool = Field(default=False, alias="continue")
    group_by: Patterns | None = None
    group_wait: Duration | None = None
    group_interval: Duration | None = None
    repeat: Repeat | None = None
    silent: bool | None = None
    routes: tuple[RouteSettings, ...] = ()

    def compiled(self, to: tuple[str, ...], inherited: Options) -> Route:
        """The route with what it inherits filled in."""
        own = self.to if self.to is not None else to
        options = self._options(inherited)
        return Route(
            matcher=Matcher(dict(self.match)),
            to=own,
            options=options,
            goes_on=self.continue_,
            routes=tuple(child.compiled(own, options) for child in self.routes),
        )

    def _options(self, inherited: Options) -> Options:
        def chosen(name: str) -> Any:
            own = getattr(self, name)
            return own if own is not None else getattr(inherited, name)

        names = ("group_by", "group_wait", "group_interval", "repeat", "silent")
        values = {name: chosen(name) for name in names}
        values["repeat"] = values["repeat"] or None
        return Options(**values)


class InhibitSettings(_Section):
    """While an alert that ``source`` matches is firing, those that ``target`` matches are not told.

    Both must agree in every fact that ``equal`` names.
    """

    source: Match
    target: Match
    equal: Patterns = ()

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.source or not self.target:
            raise ValueError("an inhibition needs a source and a target that match something in particular")
        return self

    def compiled(self) -> Inhibition:
        """The inhibition."""
        return Inhibition(Matcher(dict(self.source)), Matcher(dict(self.target)), tuple(self.equal))


class DestinationSettings(_Section):
    """The manners at one destination: ``quiet: 23:00-07:30`` in the reader's zone, ``budget: 20/1h``."""

    quiet: Quiet | None = None
    budget: Noise | None = None


class RoutingSettings(RouteSettings):
    """The root of the route tree, and the manners."""

    inhibit: tuple[InhibitSettings, ...] = ()
    quiet: Quiet | None = None
    budget: Noise | None = None
    destinations: Mapping[str, DestinationSettings] = {}
    urgent: tuple[Severity, ...] = (Severity.CRITICAL,)
    """Severities that neither quiet hours nor a noise budget hold back."""
    storm: int = Field(default=50, ge=2)
    """More new alerts of one rule at once than this are told as one summary."""

    def tree(self, default: tuple[str, ...]) -> Route:
        """The compiled tree; ``default`` are the destinations where the section names none."""
        return self.compiled(default, Options())

    def router(self, default: tuple[str, ...], universe: Universe) -> Router:
        """The router that the section describes."""
        from bot.routing.router import Router  # noqa: PLC0415 - who only reads the settings needs no rule language

        return Router(
            tree=self.tree(default),
            universe=universe,
            inhibitions=tuple(item.compiled() for item in self.inhibit),
            urgent=self.urgent,
            storm=self.storm,
        )
