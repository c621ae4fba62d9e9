"""The private server: shared, adopted, revived, and clear about why it can't start."""

import asyncio
import contextlib
import os
import re
import signal
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from pydantic import SecretStr

from adapters.store import server
from adapters.store.embedded import open_store, open_throwaway_store
from adapters.store.port import Commit, OutboxEntry, StoreUnavailable
from rules.model import Observation

NOW = datetime(2024, 11, 1, 20, tzinfo=UTC)

OWNER = """
import asyncio, sys
from pathlib import Path
from adapters.store.embedded import open_store

async def main():
    async with open_store(None, Path(sys.argv[1])) as store:
        await store.documents.put("owner", "said", sys.argv[2])
        print("ready", flush=True)
        await asyncio.to_thread(sys.stdin.read)

asyncio.run(main())
"""


def socket_of(home):
    return home / "store" / "store.sock"


async def server_pid(store):
    return (await store.info())["process_id"]


def owner(home, said="hello"):
    """Another process that opens the store of ``home`` and holds it until its input ends."""
    process = subprocess.Popen(
        [sys.executable, "-c", OWNER, str(home), said], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path.cwd()
    )
    assert b"ready\n" == process.stdout.readline()
    return process


def end(process):
    process.communicate()


async def test_what_was_acknowledged_survives_a_killed_server(tmp_path):
    """After SIGKILL of the server between any two operations the next command restarts it, and nothing is lost."""
    async with open_store(None, tmp_path) as store:
        for turn in range(5):
            entry = OutboxEntry(f"n{turn}", "console:", "{}", NOW)
            observation = Observation("a.b.c", NOW, NOW, float(turn))
            await store.tape.append([observation])
            await store.states.commit(Commit(cursor=f"{turn}-1", alerts={f"a{turn}": "{}"}, outbox=[entry]))
            os.kill(await server_pid(store), signal.SIGKILL)
            assert f"{turn}-1" == await store.states.cursor()
        assert {f"a{turn}": "{}" for turn in range(5)} == await store.states.alerts()
        assert {"console:": 5} == await store.outbox.waiting()
        assert [float(turn) for turn in range(5)] == [item.value for _, item in await store.tape.read("0", 10)]


async def test_many_commands_at_once_restart_one_server(tmp_path):
    """Everybody who misses the killed server waits for the one restart, and every command is answered."""
    async with open_store(None, tmp_path) as store:
        await store.documents.put("c", "k", "v")
        os.kill(await server_pid(store), signal.SIGKILL)
        assert ["v"] * 20 == await asyncio.gather(*(store.documents.get("c", "k") for _ in range(20)))
        assert 1 == len({await server_pid(store) for _ in range(3)})


async def test_a_held_entry_survives_a_killed_server(tmp_path):
    """Who holds an entry, and the attempt, are as durable as the entry."""
    async with open_store(None, tmp_path) as store:
        await store.states.commit(Commit(alerts={}, outbox=[OutboxEntry("n1", "console:", "{}", NOW)]))
        (claimed,) = await store.outbox.claim("a", NOW)
        os.kill(await server_pid(store), signal.SIGKILL)
        assert [] == await store.outbox.claim("b", NOW)
        await store.outbox.acknowledge(claimed, "{}", NOW)
        assert {} == await store.outbox.waiting()


async def test_a_broken_append_is_reported_not_repeated(tmp_path):
    """An append whose outcome is unknown raises; the store works again at once."""
    async with open_store(None, tmp_path) as store:
        pid = await server_pid(store)
        os.kill(pid, signal.SIGSTOP)
        append = asyncio.create_task(store.tape.append([Observation("a.b.c", NOW, NOW, 1.0)]))
        await asyncio.sleep(0.01)
        os.kill(pid, signal.SIGKILL)
        with pytest.raises(StoreUnavailable, match="cannot be reached"):
            await append
        assert "0" == await store.tape.end()


async def until_gone(pid):
    """Return once the process has ended: its files are closed a moment before its exit can be collected."""
    async with asyncio.timeout(10):
        with contextlib.suppress(ProcessLookupError):
            while True:
                server.reap()
                os.kill(pid, 0)
                await asyncio.sleep(0.01)


async def test_a_reopened_store_has_its_data(tmp_path):
    """A clean stop keeps everything and leaves no server and no socket."""
    async with open_store(None, tmp_path) as store:
        await store.documents.put("c", "k", "v")
        pid = await server_pid(store)
    assert not socket_of(tmp_path).exists()
    await until_gone(pid)
    async with open_store(None, tmp_path) as store:
        assert "v" == await store.documents.get("c", "k")


async def test_two_processes_share_one_server(tmp_path):
    """A second process finds the server of the first, and the one that leaves last stops it."""
    first = owner(tmp_path)
    try:
        async with open_store(None, tmp_path) as store:
            assert "hello" == await store.documents.get("owner", "said")
            await asyncio.to_thread(end, first)
            assert "hello" == await store.documents.get("owner", "said")
    finally:
        first.kill()
        first.wait()
    assert not socket_of(tmp_path).exists()


async def test_a_server_that_outlived_its_owner_is_adopted(tmp_path):
    """After SIGKILL of the owner the next start uses the server that still runs, and stops it at the end."""
    first = owner(tmp_path)
    first.kill()
    first.communicate()
    assert await server.answers(socket_of(tmp_path))
    async with open_store(None, tmp_path) as store:
        assert "hello" == await store.documents.get("owner", "said")
    assert not socket_of(tmp_path).exists()


async def test_everything_killed_at_once_loses_nothing(tmp_path):
    """Owner and server die together, the socket file stays behind: the next start has the data."""
    first = owner(tmp_path)
    async with open_store(None, tmp_path) as store:
        pid = await server_pid(store)
    first.kill()
    first.communicate()
    os.kill(pid, signal.SIGKILL)
    assert socket_of(tmp_path).exists()
    async with open_store(None, tmp_path) as store:
        assert "hello" == await store.documents.get("owner", "said")


async def test_many_starters_get_one_server(tmp_path):
    """Eight users that open the same home at once share a server, in whatever order they leave."""
    pids = set()

    async def use():
        async with open_store(None, tmp_path) as store:
            pids.add(await server_pid(store))
            await asyncio.sleep(0)

    async with open_store(None, tmp_path):
        await asyncio.gather(*(use() for _ in range(8)))
    assert 1 == len(pids)
    assert not socket_of(tmp_path).exists()


async def test_starters_and_leavers_race_safely(tmp_path):
    """Users that come and go at once always find a server, and none is left at the end."""

    async def use(number):
        async with open_store(None, tmp_path) as store:
            await store.documents.put("seen", str(number), "1")

    await asyncio.gather(*(use(number) for number in range(12)))
    assert not socket_of(tmp_path).exists()
    async with open_store(None, tmp_path) as store:
        assert 12 == len(await store.documents.all("seen"))


async def test_a_long_data_directory_works(tmp_path):
    """A path that no socket could have gets its socket elsewhere, private to the user."""
    home = tmp_path / ("long" * 30)
    async with open_store(None, home) as store:
        await store.documents.put("c", "k", "v")
        async with open_store(None, home) as second:
            assert "v" == await second.documents.get("c", "k")


async def test_nobody_else_may_look(tmp_path):
    """Folder, socket and data are for the owner only, and no TCP port is open."""
    async with open_store(None, tmp_path) as store:
        await store.documents.put("c", "k", "v")
        paths = [tmp_path / "store", *(tmp_path / "store").rglob("*")]
        assert [] == [path for path in paths if path.stat().st_mode & 0o077]
        assert 0 == (await store.info())["tcp_port"]


async def test_a_throwaway_store_leaves_nothing():
    """The demo's store works like the real one and is gone afterwards, folder included."""
    async with open_throwaway_store() as store:
        await store.documents.put("c", "k", "v")
        assert "v" == await store.documents.get("c", "k")
        path = store.place
        assert Path(path).exists()
    assert not Path(path).exists()


THROWAWAY_OWNER = """
import asyncio, sys
from adapters.store.embedded import open_throwaway_store

async def main():
    async with open_throwaway_store() as store:
        print(store.place, flush=True)
        await asyncio.to_thread(sys.stdin.read)

asyncio.run(main())
"""


def throwaway_owner():
    process = subprocess.Popen(
        [sys.executable, "-c", THROWAWAY_OWNER], stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd=Path.cwd()
    )
    return process, Path(process.stdout.readline().decode().strip())


async def test_a_killed_owners_throwaway_store_is_cleared_away():
    """The next one stops the server that was left behind and removes its folder, but none that is in use."""
    places = []
    for killed in (True, False):
        process, place = throwaway_owner()
        if killed:
            process.kill()
            process.communicate()
        os.utime(place, (0, 0))
        places.append(place)
    async with open_throwaway_store():
        assert [False, True] == [place.exists() for place in places]
        assert await server.answers(places[1] / "store.sock")
    await asyncio.to_thread(process.communicate)
    assert not places[1].exists()


async def test_a_truncated_tail_is_repaired(tmp_path):
    """A write that the power cut in half was never acknowledged: the store starts without it."""
    async with open_store(None, tmp_path) as store:
        await store.documents.put("c", "k", "v")
    log = newest_append_only_file(tmp_path)
    log.write_bytes(log.read_bytes() + b"*4\r\n$4\r\nHSET\r\n$9\r\ntw1:d")
    async with open_store(None, tmp_path) as store:
        assert "v" == await store.documents.get("c", "k")


async def test_damaged_data_is_named(tmp_path):
    """A damaged file stops the start with one line that says where it is and what to do."""
    async with open_store(None, tmp_path) as store:
        await store.documents.put("c", "k", "v")
    log = newest_append_only_file(tmp_path)
    log.write_bytes(b"garbage\r\n" + log.read_bytes())
    with pytest.raises(StoreUnavailable, match="is damaged; restore a backup") as failure:
        async with open_store(None, tmp_path):
            pass
    assert "\n" not in str(failure.value)


def newest_append_only_file(home):
    return max((home / "store" / "appendonlydir").glob("*.incr.aof"))


async def test_a_file_in_the_way_is_named(tmp_path):
    """A home that can't be a folder is refused with its path."""
    (tmp_path / "home").write_text("")
    with pytest.raises(StoreUnavailable, match=r"cannot use the data directory .*home/store"):
        async with open_store(None, tmp_path / "home"):
            pass


def program(folder, content, mode=0o755):
    path = folder / "server"
    path.write_bytes(content)
    path.chmod(mode)
    return str(path)


@pytest.mark.parametrize(
    ("content", "mode", "said"),
    [
        (b"\x7fELF\x02\x01\x01" + bytes(60), 0o755, "is not made for this machine"),
        (b"#!/bin/sh\nexit 3\n", 0o644, "may not be executed"),
        (b"#!/nowhere/sh\n", 0o755, "does not exist"),
        (b"#!/bin/sh\nexit 3\n", 0o755, r"ended at once \(exit 3\): it said nothing"),
    ],
    ids=["wrong-machine", "no-permission", "no-loader", "ends-at-once"],
)
async def test_a_program_that_does_not_run_is_explained(tmp_path, content, mode, said):
    """Wrong architecture, missing permission, missing loader and an early end are told apart."""
    files = server.ServerFiles(tmp_path, tmp_path / "store.sock")
    with pytest.raises(StoreUnavailable, match=said), (tmp_path / "lock").open("w") as lock:
        await server.start(program(tmp_path, content, mode), files, lock.fileno())


@pytest.mark.parametrize(
    ("log", "said"),
    [
        ("Fatal: can't write: No space left on device", "the disk is full"),
        ("Can't open the append-only file: Permission denied", "may not write"),
        ("Bad file format reading the append only file", "is damaged"),
        ("something new", r"ended at once \(exit 1\): something new"),
    ],
    ids=["full", "unwritable", "damaged", "other"],
)
def test_the_servers_last_words_are_translated(tmp_path, log, said):
    """The end of the server's log becomes one line for the operator."""
    files = server.ServerFiles(tmp_path, tmp_path / "store.sock")
    files.log.write_text(f"first line\n{log}\n")
    assert re.search(said, server.why_it_died(files, 1))


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("redis://:secret@127.0.0.1:1/0", "store at redis://127.0.0.1:1/0 cannot be reached"),
        ("http://:secret@127.0.0.1:1/0", "is not a Redis address"),
        ("redis://:secret@127.0.0.1:port/0", "is not a Redis address"),
        ("unix:///nowhere/secret.sock", "cannot be reached"),
    ],
    ids=["refused", "scheme", "port", "no-socket"],
)
async def test_an_unusable_address_is_explained_without_its_password(tmp_path, url, said):
    """One line says what is wrong with REDIS_URL and never shows the password."""
    with pytest.raises(StoreUnavailable, match=said) as failure:
        async with open_store(SecretStr(url), tmp_path):
            pass
    assert ":secret@" not in str(failure.value)
    assert "\n" not in str(failure.value)
