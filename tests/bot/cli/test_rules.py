"""``tapewatch rules``."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from bot.cli import cli

PACK = """
version: 1
rules:
  - id: level
    title: {en: Bitcoin high, zh: 比特币新高}
    when: BTC > 70_000
    severity: critical
  - id: clock
    title: Lag
    when: rel(SOX, NDX, this_week) <= -2pp
    every: XNYS close+20m
  - id: "off"
    title: Off
    when: NVDA > 1
    enabled: false
"""


@pytest.fixture
def config(tmp_path: Path) -> list[str]:
    (tmp_path / "pack.yaml").write_text(PACK, encoding="utf-8")
    (tmp_path / "config.yaml").write_text(f"builtin_rules: false\nrules: [{tmp_path / 'pack.yaml'}]\n")
    return ["--config", str(tmp_path / "config.yaml"), "rules"]


def test_each_rule_is_listed_with_its_plan(config: list[str]) -> None:
    """How the engine evaluates it and on what; a rule that is off has no plan."""
    done = CliRunner().invoke(cli, [*config, "--json"])
    rules = {rule["id"]: rule for rule in json.loads(done.stdout)["rules"]}
    assert ["level", "clock", "off"] == list(rules)
    assert {"how": "level", "symbol": "BTC-USD", "level": 70_000.0, "lanes": 1} == {
        key: rules["level"]["plan"][key] for key in ("how", "symbol", "level", "lanes")
    }
    assert ("clock", ["prices.^NDX.close", "prices.^SOX.close"]) == (
        rules["clock"]["plan"]["how"],
        rules["clock"]["plan"]["reads"],
    )
    assert (False, None) == (rules["off"]["enabled"], rules["off"]["plan"])
    assert {"en": "Bitcoin high", "zh": "比特币新高"} == rules["level"]["title"]


def test_the_terminal_is_told_the_same(config: list[str]) -> None:
    """A line a rule; with --plan, a second one."""
    plain, planned = (CliRunner().invoke(cli, [*config, *more]).stdout.splitlines() for more in ([], ["--plan"]))
    assert (3, 5) == (len(plain), len(planned))
    assert "critical" in plain[0]
    assert "Bitcoin high" in plain[0]
    assert plain[2].endswith("(off)")
    assert planned[1].strip().startswith("level: one price against a constant")


def test_a_broken_pack_is_told(config: list[str], tmp_path: Path) -> None:
    """Exit status 1 and every mistake."""
    (tmp_path / "pack.yaml").write_text(PACK.replace("BTC", "BTCC"), encoding="utf-8")
    done = CliRunner().invoke(cli, config)
    assert (1, True) == (done.exit_code, "BTCC" in str(done.exception))
