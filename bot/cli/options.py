"""Options that many commands have, and the language that a command speaks."""

from __future__ import annotations

import itertools
import os
import re
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from rules.model import Lang

as_json = click.option("--json", "as_json", is_flag=True, help="Print one JSON document.")
language = click.option("--lang", type=click.Choice(["zh", "en"]), help="Language.")


_ZH = re.compile(r"^[ \t{]*(?:reader:[ \t]*\{.*)?lang:[ \t]*['\"]?zh\b", re.MULTILINE)


def spoken(arguments: Sequence[str] | None = None, environ: Mapping[str, str] = os.environ) -> Lang:
    """The language in which a command's failure is told, which may be that the settings can't be read.

    That of ``--lang``, else of the environment, else of the settings file, however broken it is; else English.
    """
    from bot.settings import PREFIX, source_of

    words = [word for each in arguments or sys.argv for word in each.split("=", 1)]
    options = dict(itertools.pairwise(words))
    told = options.get("--lang") or environ.get(f"{PREFIX}READER__LANG")
    if told is None:
        try:
            file = Path(options["--config"]) if "--config" in options else None
            told = "zh" if _ZH.search(source_of(file, environ).read_text(encoding="utf-8", errors="replace")) else "en"
        except OSError:
            told = "en"
    return "zh" if told == "zh" else "en"
