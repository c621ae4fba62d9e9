"""``tapewatch doctor``, put together: everything that the product stands on, looked at without changing anything."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Mapping, Sequence
from pathlib import Path

from adapters.clock import Clock, SystemClock
from bot.app.doctor import machine, services, sources, state
from bot.operations.findings import Finding, problem
from bot.settings import Settings, load, source_of
from rules.problems import ProblemsFound


async def examine(
    config: Path | None, environ: Mapping[str, str] = os.environ, clock: Clock | None = None
) -> tuple[Settings, Sequence[Finding]]:
    """Look at everything; where the settings can't be read there is nothing else to look at."""
    clock = clock or SystemClock()
    try:
        settings = load(config, environ)
    except ProblemsFound as found:
        return Settings(), [problem("settings", "settings_wrong", why=each) for each in found.problems]
    except OSError as error:
        return Settings(), [problem("settings", "settings_closed", file=error.filename, why=error)]
    findings = [machine.settings(source_of(config, environ)), *machine.look(settings, environ)]
    known = await _guarded("store", state.look(settings, clock))
    outside = await asyncio.gather(
        _guarded("services", services.look(settings)), _guarded("sources", sources.look(settings, clock))
    )
    return settings, [*findings, *known, *outside[0], *outside[1]]


async def _guarded(check: str, looking: Awaitable[Sequence[Finding]]) -> Sequence[Finding]:
    """A check that breaks is a finding like any other: the rest must still be told."""
    try:
        return await looking
    except Exception as error:
        return [problem(check, "failed", why=f"{type(error).__name__}: {error}")]
