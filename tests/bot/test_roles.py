"""One process leads, others stand by; the dead are not waited for."""

import asyncio

import pytest

from adapters.store.port import StoreUnavailable
from bot import roles
from tests.fakes.leases import MemoryLeases


async def test_the_work_of_a_dead_holder_is_taken_over_at_once() -> None:
    """Its lease would have lasted for another half minute."""
    leases = MemoryLeases()
    await leases.acquire("engine", "dead", 30)
    seen = []

    async def work() -> None:
        seen.append(await leases.holder("engine"))

    await asyncio.wait_for(roles.lead(leases, "engine", "me", work, lambda holder: holder == "dead"), 5)
    assert (seen, await leases.holder("engine")) == (["me"], None)


async def test_a_store_that_goes_away_ends_no_role() -> None:
    """The work is begun anew, from what is stored."""
    begun = []

    async def work() -> None:
        async with asyncio.TaskGroup():
            begun.append(len(begun))
            if begun == [0]:
                raise StoreUnavailable("cannot be reached")

    await asyncio.wait_for(roles.lead(MemoryLeases(), "engine", "me", work), 10)
    assert [0, 1] == begun


async def test_a_holder_who_may_live_is_waited_for() -> None:
    """However long it says nothing, until its lease ends."""
    leases = MemoryLeases()
    await leases.acquire("engine", "elsewhere", 30)
    done = asyncio.ensure_future(roles.lead(leases, "engine", "me", asyncio.Event().wait, lambda _holder: False))
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(done, 0.05)
    assert await leases.holder("engine") == "elsewhere"
