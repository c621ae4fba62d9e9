"""This machine and what is written down on it: settings, secrets, disk, fonts, rules."""

from __future__ import annotations

import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from bot.app.desk import rule_paths
from bot.charts.png import cjk_font
from bot.files import ensure_writable
from bot.operations.findings import Finding, ok, problem, warning
from bot.settings import SECRETS, Settings
from rules.loading.check import check
from rules.loading.universe_file import load_universe
from rules.problems import ProblemsFound

_FULL, _LOW = 100 * 2**20, 2**30
_BEGINS = {"SLACK_BOT_TOKEN": "xapp-", "SLACK_APP_TOKEN": "xoxb-"}
"""How the token of the other kind begins."""


def settings(source: Path) -> Finding:
    """Where the settings came from."""
    return ok("settings", "settings_file" if source.exists() else "settings_none", file=source)


def look(configured: Settings, environ: Mapping[str, str]) -> Sequence[Finding]:
    """Everything that needs neither store nor network."""
    return [*_secrets(configured, environ), *_home(configured.home), _font(), *_rules(configured)]


def _secrets(configured: Settings, environ: Mapping[str, str]) -> Iterator[Finding]:
    values = {name: getattr(configured.secrets, name.lower()) for name in SECRETS}
    there = ", ".join(name for name, value in values.items() if value) or "—"
    absent = ", ".join(name for name, value in values.items() if not value) or "—"
    yield ok("secrets", "secrets", there=there, absent=absent)
    for name, begins in _BEGINS.items():
        if values[name] and values[name].get_secret_value().startswith(begins):
            yield problem("secrets", "secret_swapped", name=name, begins=begins)
    for name in SECRETS:
        path = environ.get(f"{name}_FILE")
        if path and not environ.get(name) and stat.S_IMODE(Path(path).stat().st_mode) & 0o044:
            yield warning("secrets", "secret_open", file=path)


def _home(home: Path) -> Iterator[Finding]:
    try:
        ensure_writable(home)
    except OSError as error:
        yield problem("disk", "home_closed", folder=home, why=error)
        return
    there = next(folder for folder in (home, *home.parents) if folder.exists())
    free = shutil.disk_usage(there).free
    facts = {"free": f"{free / 2**30:.1f} GB", "folder": home}
    if free < _FULL:
        yield problem("disk", "disk_full", **facts)
    elif free < _LOW:
        yield warning("disk", "disk_low", **facts)
    else:
        yield ok("disk", "disk", **facts)


def _font() -> Finding:
    font = cjk_font()
    return ok("fonts", "font", font=font.name) if font else warning("fonts", "font_none")


def _rules(configured: Settings) -> Iterator[Finding]:
    try:
        universe = load_universe(configured.universe)
        checked = check(rule_paths(configured), universe)
    except ProblemsFound as found:
        yield from (problem("rules", "rules_wrong", why=each) for each in found.problems)
        return
    except OSError as error:
        yield problem("rules", "rules_file", file=error.filename, why=error)
        return
    for each in checked.problems:
        if not each.warning:
            yield problem("rules", "rules_wrong", why=each)
        else:
            yield warning("rules", "rules_doubt", why=each)
    if checked.ok:
        count = len(universe.instruments)
        yield ok("rules", "rules", rules=checked.rules, tests=checked.tests, instruments=count)
