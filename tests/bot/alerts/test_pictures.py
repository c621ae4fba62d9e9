"""A picture follows its alert, never delays it, is never lost and never sent twice."""

import asyncio
import sys
from datetime import UTC, datetime, timedelta
from functools import partial

from adapters.clock import SteppingClock
from adapters.message import Reader
from adapters.store.port import Commit, OutboxEntry
from bot.alerts.charts import pictured
from bot.alerts.notices import Incident
from bot.alerts.pictures import ORDERS, Pictures, orders_for
from bot.charts.render import RenderingFailed, rendered
from bot.routing.lane import Delivery
from bot.sending.courier import always
from bot.sending.payload import unpack
from rules.model import Reason
from tests.bot.alerts.test_charts import BTC_HIGH, week

NOW = datetime(2024, 11, 2, tzinfo=UTC)
DESK, CHANNEL = "telegram:42", "slack:C1"


def delivery(destination=DESK, *transitions, key="A-1:fired", **more):
    told = tuple(Incident("A-1", item) for item in transitions or (BTC_HIGH,))
    more = {"pictured": True, **more}
    return Delivery(key=key, destination=destination, incidents=told, reason=Reason.FIRST, **more)


async def tell(store, *deliveries):
    """Commit the alerts' texts and the orders for their pictures, as a turn of the engine does."""
    texts = [OutboxEntry(each.key, each.destination, "{}", NOW) for each in deliveries]
    await store.states.commit(Commit(alerts={}, outbox=texts, documents=orders_for(deliveries)))


class Drawn:
    """A renderer that counts."""

    def __init__(self):
        self.pictures = []

    async def __call__(self, svg):
        self.pictures.append(svg)
        return b"\x89PNG"


def pictures_on(store, folder, render, reader=None, clock=None):
    return Pictures(
        store=store,
        market=week(),
        reader_at=always(reader or Reader(lang="zh")),
        folder=folder,
        clock=clock or SteppingClock(NOW),
        render=render,
    )


async def waiting(store, destination=DESK):
    """The keys that wait at a destination in order, and the payload of the last one."""
    keys, payload = [], "{}"
    while claimed := await store.outbox.claim("reader", NOW, 10):
        for item in claimed:
            if item.entry.destination == destination:
                keys.append(item.entry.key)
                payload = item.entry.payload
            await store.outbox.acknowledge(item, "{}", NOW)
    return keys, payload


async def test_the_picture_comes_after_the_text_and_answers_it(store, tmp_path):
    """It is a message of its own in the same lane: silent, without words, in reply to the alert."""
    await tell(store, delivery())
    assert 1 == await pictures_on(store, tmp_path, Drawn()).draw()
    keys, payload = await waiting(store)
    assert ["A-1:fired", "A-1:fired:chart"] == keys
    carried = unpack(payload)
    message = carried.messages["zh"]
    assert ("A-1:fired", True, (), ()) == (carried.follows, carried.silent, message.title, message.blocks)
    assert [b"\x89PNG"] == [path.read_bytes() for path in tmp_path.glob("*.png")]
    assert ["r.png"] == [each.name for each in message.attachments]


async def test_a_renderer_that_hangs_costs_the_picture_and_nothing_else(store, tmp_path):
    """The text can be claimed while the renderer hangs; the child is killed, and the next picture is drawn."""
    await tell(store, delivery())
    hang = (sys.executable, "-c", "import time; time.sleep(600)")
    hanging = asyncio.create_task(pictures_on(store, tmp_path, partial(rendered, deadline_s=1.0, command=hang)).draw())
    await asyncio.sleep(0)
    assert (["A-1:fired"], False) == ((await waiting(store))[0], hanging.done())
    assert 0 == await hanging
    await tell(store, delivery(key="A-2:fired"))
    assert 1 == await pictures_on(store, tmp_path, Drawn()).draw()


async def test_what_was_ordered_before_a_crash_is_drawn_after_it(store, tmp_path):
    """A process that dies while it draws leaves the order; the next one carries it out, once."""
    await tell(store, delivery())

    async def dies(_svg):
        raise asyncio.CancelledError

    first = asyncio.create_task(pictures_on(store, tmp_path, dies).draw())
    await asyncio.gather(first, return_exceptions=True)
    assert first.cancelled()
    restarted = pictures_on(store, tmp_path, Drawn())
    assert [1, 0] == [await restarted.draw(), await restarted.draw()]
    assert ["A-1:fired", "A-1:fired:chart"] == (await waiting(store))[0]


async def test_the_same_picture_is_drawn_once(store, tmp_path):
    """Two chats that read alike share the file; one that reads otherwise has its own."""
    drawn = Drawn()
    await tell(store, delivery(), delivery(CHANNEL))
    assert 2 == await pictures_on(store, tmp_path, drawn).draw()
    await tell(store, delivery(key="A-3:fired"))
    assert 1 == await pictures_on(store, tmp_path, drawn, Reader(lang="en")).draw()
    assert 2 == len(drawn.pictures)


class Failing:
    """A renderer that fails the first ``times`` times."""

    def __init__(self, times):
        self.left = times
        self.tried = 0

    async def __call__(self, _svg):
        self.tried += 1
        if self.tried <= self.left:
            raise RenderingFailed("no fonts")
        return b"\x89PNG"


async def test_a_drawing_that_failed_is_tried_again_after_a_pause(store, tmp_path):
    """What was in its way may be over; until then nothing is tried."""
    clock, failing = SteppingClock(NOW), Failing(1)
    await tell(store, delivery())
    pictures = pictures_on(store, tmp_path, failing, clock=clock)
    assert [0, 0] == [await pictures.draw(), await pictures.draw()]
    assert 1 == failing.tried
    clock.step_to(NOW + timedelta(seconds=20))
    restarted = pictures_on(store, tmp_path, failing, clock=clock)
    assert 1 == await restarted.draw()
    assert {} == await store.documents.all(ORDERS)


async def test_a_picture_that_fails_three_times_is_given_up(store, tmp_path):
    """Its order doesn't come back for ever; the delivery log says why there is none."""
    clock, failing = SteppingClock(NOW), Failing(9)
    await tell(store, delivery())
    pictures = pictures_on(store, tmp_path, failing, clock=clock)
    for minute in range(5):
        clock.step_to(NOW + timedelta(minutes=minute))
        await pictures.draw()
    assert (3, {}) == (failing.tried, await store.documents.all(ORDERS))
    (line,) = await store.outbox.log()
    assert ("A-1:fired:chart", "dropped", "the picture could not be drawn: no fonts") == (
        line.key, line.outcome, line.detail,
    )  # fmt: skip


async def test_an_order_of_another_version_is_put_aside(store, tmp_path):
    """What can't be read stops neither itself from going nor the others from being drawn."""
    await store.documents.put(ORDERS, "old", '{"key": 1}')
    await tell(store, delivery())
    assert 1 == await pictures_on(store, tmp_path, Drawn()).draw()
    assert {} == await store.documents.all(ORDERS)


def test_who_is_sent_a_picture():
    """Chats are; terminals and webhooks aren't. What routing left without one isn't ordered."""
    assert [True, True, False, False] == [pictured(to, [BTC_HIGH]) for to in (DESK, CHANNEL, "console:", "webhook:x")]
    ordered = orders_for([delivery(), delivery(CHANNEL, pictured=False)])
    assert [(ORDERS, f"{DESK}|A-1:fired")] == list(ordered)
