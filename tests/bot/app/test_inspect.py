"""``tapewatch status``: what the store knows of a running bot, as values and as lines for 80 columns."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from pydantic import TypeAdapter
from rich.cells import cell_len

from adapters.feeds.health import COLLECTION
from adapters.feeds.port import Fault, SourceHealth
from adapters.store.embedded import open_store
from adapters.store.port import Commit, OutboxEntry
from bot.app.inspect import status
from bot.operations.state_page import lines
from rules.engine import CLOCK_KEY, AlertRecord
from rules.model import Lang, Phase

NOW = datetime(2024, 11, 4, 15, 0, tzinfo=UTC)
FRIDAY_CLOSE = datetime(2024, 11, 1, 20, tzinfo=UTC)
SOURCES = (
    SourceHealth(source="coinbase", last_success=NOW, newest=NOW - timedelta(seconds=2), lag_s=0.4),
    SourceHealth(
        source="farside", degraded_since=NOW - timedelta(hours=30), failures=12, fault=Fault.BLOCKED,
        error="https://farside.co.uk/btc/: 403, a challenge page", last_success=NOW - timedelta(days=3),
    ),
    SourceHealth(
        source="yahoo", last_asked=NOW, last_success=NOW - timedelta(minutes=3), newest=FRIDAY_CLOSE, lag_s=960.0,
        cool_down_until=NOW + timedelta(minutes=5), open_problems=2, failures=1, fault=Fault.RATE_LIMITED, error="429",
    ),
)  # fmt: skip


@pytest.fixture
async def found(tmp_path: Path) -> dict[str, object]:
    """A bot whose engine runs, with an alert that fires and a message that is late."""
    async with open_store(None, tmp_path) as store:
        for each in SOURCES:
            await store.documents.put(COLLECTION, each.source, TypeAdapter(SourceHealth).dump_json(each).decode())
        firing = AlertRecord(
            rule="sox-lags-ndx", version="1", labels={"symbol": "^SOX"}, phase=Phase.FIRING, fired_at=FRIDAY_CLOSE
        )  # fmt: skip
        clock = AlertRecord(rule=CLOCK_KEY, version="1", fired_at=NOW)
        entry = OutboxEntry("n1", "telegram:42", "{}", NOW - timedelta(minutes=9))
        alerts = {"sox-lags-ndx{symbol=^SOX}": firing.to_json(), CLOCK_KEY: clock.to_json()}
        await store.states.commit(Commit(alerts=alerts, outbox=[entry]))
        await store.leases.acquire("engine", "desk:7 boot/pid 1", 30)
        return await status(store, NOW)


def test_a_weekend_makes_no_figure_older(found: dict[str, list[dict[str, object]]]) -> None:
    """Friday's close is half an hour old on Monday at half past ten in New York; crypto ages around the clock."""
    assert [(each["source"], each["market"], each["market_age_s"]) for each in found["sources"]] == [
        ("coinbase", "24/7", 2.0), ("farside", "XNYS", None), ("yahoo", "XNYS", 1800.0)]  # fmt: skip


def test_what_the_document_says(found: dict[str, object]) -> None:
    """Roles without the internals of a lease, the outbox's lag, and what fires."""
    assert found["roles"] == {"engine": "desk:7", "scheduler": None, "housekeeping": None, "telegram": None}
    assert (found["overdue_s"], found["waiting"], found["dead"]) == (540.0, {"telegram:42": 1}, 0)
    assert (found["alerts"], found["caught_up"], found["rule_mistakes"]) == ({"firing": 1}, True, [])


ENGLISH = """\
roles   desk:7: engine
engine  everything evaluated, last 11-04 15:00 UTC
rules   run as their files say
outbox  messages waiting: 1, destinations: 1, due for 9 min
alerts  1 firing, 0 pending, 0 recovering
        sox-lags-ndx  ^SOX  since 11-01 20:00

source    answered  mkt age     lag  errors  holes  state
coinbase       0 s      2 s     0 s       0      0  well
farside     3 days        —       —      12      0  refuses us since 11-03 09:00
yahoo        3 min   30 min  16 min       1      2  rests until 11-04 15:05
  farside: https://farside.co.uk/btc/: 403, a challenge page
  yahoo: 429
"""


def test_the_lines_that_an_operator_reads(found: dict[str, object]) -> None:
    """One screen."""
    text = "\n".join(list(lines(found, NOW, "en"))[1:-1]) + "\n"
    assert ENGLISH == text


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_table_fits_a_terminal(found: dict[str, object], lang: Lang) -> None:
    """No line of it is wider than 80 columns, Chinese characters counted as two."""
    table = [line for line in lines(found, NOW, lang) if line.startswith(("source", "来源", "coinbase", "farside"))]
    assert (len(table), max(map(cell_len, table)) <= 80) == (3, True)
