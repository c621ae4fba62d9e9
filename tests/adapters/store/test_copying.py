"""A dry run's copy of a store."""

import numpy as np

from adapters.store.embedded import open_store, open_throwaway_store
from adapters.store.port import Bars, Commit, OutboxEntry
from rules.model import Observation
from tests.contracts.test_store import NOW


async def test_a_copy_remembers_and_has_nothing_to_do(tmp_path):
    """States, documents and prices are there, bytes and all; tape, cursor, outbox and leases are not."""
    count = 3_000
    many = {("numbers", str(number)): f'"{number}"' for number in range(count)}
    columns = [np.array([1.0, np.nan])] * 5
    async with open_store(None, tmp_path) as real, open_throwaway_store() as copy:
        cursor = await real.tape.append([Observation("prices.BTC-USD.close", NOW, NOW, 1.0)])
        entry = OutboxEntry("n1", "telegram:1", "{}", NOW)
        await real.states.commit(Commit(cursor=cursor, alerts={"a{}": '{"中": 1}'}, documents=many, outbox=[entry]))
        await real.bars.put("^SOX", Bars(np.array([1, 2]), *columns))
        await real.leases.acquire("engine", "desk:1", 30)
        await real.copy_to(copy)
        assert {"a{}": '{"中": 1}'} == await copy.states.alerts()
        assert len(many) == len(await copy.documents.all("numbers"))
        assert str((await real.bars.get("^SOX")).close) == str((await copy.bars.get("^SOX")).close)
        assert ("0", "0", None) == (
            await copy.states.cursor(), await copy.tape.end(), await copy.leases.holder("engine"))  # fmt: skip
        assert {} == await copy.outbox.waiting()
        assert ["n1"] == [claimed.entry.key for claimed in await real.outbox.claim("w", NOW)]
