"""``tapewatch why``: the record of an alert on a terminal."""

import asyncio
import json
from pathlib import Path

from tests.bot.app.test_replay import Desk
from tests.bot.cli.conftest import Tapewatch


def test_the_record_tells_what_decided_and_on_which_figures(tapewatch: Tapewatch, tmp_path: Path) -> None:
    """Each step with its condition's parts, their values, times and sources, and the place of the rule."""
    home = tmp_path / "data"
    home.mkdir()
    asyncio.run(Desk(home).live())
    done = tapewatch("why", "A-1001")
    assert (0, "2024-10-28 13:00:00 UTC  level fired (first)") == (done.returncode, done.stdout.splitlines()[0])
    pack = home / "own.yaml"
    assert [
        "  BTC = 71,000.0; the rule says BTC > 70000",
        "    BTC > 70000  yes       2024-10-28 13:00:00 test partial",
        "    BTC          71,000.0  2024-10-28 13:00:00 test partial",
        f"  decided by BTC > 70000, {pack}:5:11",
    ] == done.stdout.splitlines()[1:5]
    document = json.loads(tapewatch("why", "1001", "--json").stdout)
    assert ["fired", "resolved"] == [step["kind"] for step in document["transitions"]]
    assert len(document["told"]) == len(document["transitions"])
    assert 1 == tapewatch("why", "A-7").returncode
