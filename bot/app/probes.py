"""The ``web`` role, put together: is it alive, is it ready, and how does it do."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from adapters.store.port import Store, StoreUnavailable
from adapters.web import Answer, Page
from bot.app.chat import health_of
from bot.operations.metrics import CONTENT_TYPE, exposition, snapshot
from bot.rulebook.changes import announced

_WITHIN_S = 3.0


def pages(store: Store, broken: Mapping[str, str]) -> dict[str, Page]:
    """The pages by path. ``broken`` says of roles that ended why they did."""

    async def alive() -> Answer:
        return Answer("ok\n")

    async def ready() -> Answer:
        problems = [f"{role}: {why}" for role, why in broken.items()]
        try:
            async with asyncio.timeout(_WITHIN_S):
                await announced(store.documents)
        except (StoreUnavailable, TimeoutError) as error:
            problems.append(f"store: {str(error) or 'no answer'}")
        return Answer("\n".join([*problems, ""]), status=503) if problems else Answer("ready\n")

    async def metrics() -> Answer:
        try:
            async with asyncio.timeout(_WITHIN_S):
                seen = await snapshot(store, await health_of(store))
        except (StoreUnavailable, TimeoutError) as error:
            return Answer(f"# the store can't be read: {str(error) or 'no answer'}\n", status=503)
        return Answer(exposition(seen), content_type=CONTENT_TYPE)

    return {"/healthz": alive, "/readyz": ready, "/metrics": metrics}
