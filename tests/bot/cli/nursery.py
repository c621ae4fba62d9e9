"""Runs commands in processes of their own, in milliseconds: what they import was imported once, and is forked.

An order is a line of JSON on standard input: ``arguments``, ``environ``, ``folder``, and the files ``out`` and ``err``.
The answer is its exit status. What depends on how the interpreter starts (encodings, say) needs a real start.
"""

import importlib
import json
import os
import sys
import traceback

from bot.cli import main

IMPORTED = (
    "adapters.chat.slack",
    "adapters.chat.telegram",
    "adapters.feeds.yahoo",
    "adapters.notifiers.slack",
    "adapters.notifiers.telegram",
    "bot.app.demo",
    "bot.app.doctor",
    "bot.app.fetch",
    "bot.app.live",
    "bot.app.replay",
    "bot.app.scheduling",
    "bot.app.weekly",
)
"""What commands would import when they start."""


def be_the_command(order: dict) -> None:
    """Take the order's place in the system, then run."""
    for source, target in ((os.devnull, 0), (order["out"], 1), (order["err"], 2)):
        os.dup2(os.open(source, os.O_RDWR | os.O_CREAT, 0o600), target)
    os.chdir(order["folder"])
    os.environ.clear()
    os.environ.update(order["environ"])
    sys.path[:0] = [each for each in order["environ"]["PYTHONPATH"].split(os.pathsep) if each not in sys.path]
    sys.argv = ["tapewatch", *order["arguments"]]
    main()


def run(order: dict) -> int:
    """The exit status of the command."""
    pid = os.fork()
    if pid:
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    status = 1
    try:
        be_the_command(order)
    except SystemExit as done:
        status = done.code if isinstance(done.code, int) else 0 if done.code is None else 1
    except BaseException:  # as the interpreter would: a defect is told and is 1
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)


if __name__ == "__main__":
    for name in IMPORTED:
        importlib.import_module(name)
    for line in sys.stdin:
        sys.stdout.write(f"{run(json.loads(line))}\n")
        sys.stdout.flush()
