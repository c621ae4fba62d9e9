"""``check``: problems as JSON, and the schema that is shipped."""

import json
from pathlib import Path

from rules.loading.check import check
from rules.loading.loader import PACK_KEYS, PACKS, PackText
from rules.loading.pack_rules import RULE_KEYS
from rules.loading.pack_tests import TEST_KEYS
from rules.loading.schema import PACK_HELP, RULE_HELP, SHIPPED, TEST_HELP, pack_schema, schema_text
from rules.loading.universe_file import load_universe

UNIVERSE = load_universe()


def test_problems_are_plain_values() -> None:
    """The document of the command line's contract."""
    text = "version: 1\nrules:\n  - {id: r, when: NVDIA > 1}\n"
    assert check([PackText("r.yaml", text)], UNIVERSE).to_json() == {
        "ok": False,
        "problems": [
            {
                "file": "r.yaml",
                "line": 3,
                "column": 19,
                "code": "unknown-name",
                "message": "nothing is called 'NVDIA'",
                "suggestion": "NVDA",
            }
        ],
    }


def test_a_doubt_is_told_and_ok() -> None:
    """A warning says so and fails nothing."""
    text = "version: 1\nseries: {F: {feed: etf_flows, key: BTC, unit: USD}}\nrules: [{id: r, when: F < 5}]\n"
    checked = check([PackText("r.yaml", text)], UNIVERSE)
    assert checked.ok
    assert str(checked.problems[0]).startswith("r.yaml:3:25: warning: ")
    assert checked.to_json()["problems"][0]["message"].startswith("warning: ")


def test_a_folder_without_packs_is_a_mistake(tmp_path: Path) -> None:
    """Zero rules in order would hide a path that is wrong."""
    (tmp_path / "rules.txt").write_text("version: 1", encoding="utf-8")
    (problem,) = check([tmp_path], UNIVERSE).problems
    assert ("no-packs", str(tmp_path)) == (problem.code, problem.file)


def test_shipped_packs_are_clean() -> None:
    """They load, compile and have tests."""
    checked = check([PACKS], UNIVERSE)
    assert checked.problems == ()
    assert checked.tests >= checked.rules


def test_the_shipped_schema_is_the_generated_one() -> None:
    """Run ``python -m rules.loading.schema`` after a change of the keys."""
    assert schema_text() == SHIPPED.read_text(encoding="utf-8")


def test_the_schema_knows_every_key() -> None:
    """A key that the loader reads has a hint in editors, and no other has."""
    schema = pack_schema()
    properties = schema["properties"]
    assert list(PACK_KEYS) == list(properties) == list(PACK_HELP)
    assert list(RULE_KEYS) == list(properties["rules"]["items"]["properties"])
    assert set(RULE_KEYS) == set(RULE_HELP)
    assert set(TEST_KEYS) == set(TEST_HELP) == set(properties["tests"]["items"]["properties"])
    assert json.loads(schema_text()) == schema
