"""The JSON Schema of packs, for editors: completion, hints and first checks while a rule is typed."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from rules.loading.loader import PACK_KEYS
from rules.loading.pack_rules import ACTIONS, DEFAULT_KEYS, RULE_KEYS
from rules.loading.pack_tests import EVENTS, EXPECT_KEYS, TEST_KEYS
from rules.model import Severity
from rules.spec import OncePer

SHIPPED = Path(__file__).parents[1] / "pack.schema.json"

_DURATION = r"^(0|(\d+(\.\d+)?(s|m|h|d|w))+|\d{1,4} ?sessions?)$"
_TEXT: Mapping[str, Any] = {"type": "string"}
_WORDS: Mapping[str, Any] = {"type": ["string", "array"], "items": {"type": ["string", "number"]}}
_SPAN: Mapping[str, Any] = {"type": ["string", "integer"], "pattern": _DURATION}
_BOTH: Mapping[str, Any] = {
    "oneOf": [_TEXT, {"type": "object", "properties": {"en": _TEXT, "zh": _TEXT}, "additionalProperties": False}]
}
_PAIRS: Mapping[str, Any] = {"type": "object", "additionalProperties": {"type": ["string", "number", "boolean"]}}

RULE_HELP: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "id": ("The rule's name in commands and links; stands once.", {**_TEXT, "pattern": "^[a-z0-9][a-z0-9._-]{0,63}$"}),
    "title": ("The headline of its messages, in one or both languages.", _BOTH),
    "when": ("The condition that fires.", _TEXT),
    "clear": ("The condition that resolves a firing alert; without it `not when`.", _TEXT),
    "rearm": ("What must have held before the rule may fire again.", _TEXT),
    "every": ("When it is evaluated: `XNYS close+20m`, `new(SERIES)` or `15m`; else at each observation.", _TEXT),
    "for": ("How long the condition must hold before it fires.", _SPAN),
    "keep_for": ("How long it must have ended before it resolves.", _SPAN),
    "once_per": ("How often it may fire.", {"enum": [word.value for word in OncePer]}),
    "cooldown": ("How long it stays silent after firing.", _SPAN),
    "expires": ("When the rule ends: a date, an instant or a span.", {"type": "string"}),
    "on_missing": (
        "What missing data do.",
        {
            "oneOf": [
                {"enum": list(ACTIONS)},
                {"type": "object", "properties": {"notify_after": _SPAN}, "additionalProperties": False},
            ]
        },
    ),
    "max_gap": ("A gap in the data that is longer is told with an edge that was crossed in it.", _SPAN),
    "severity": (
        "What the message asks of its reader.",
        {"enum": [word.value for word in Severity if word != "digest"]},
    ),
    "tags": ("Words to subscribe to: `/sub #semis`.", _WORDS),
    "labels": ("Fixed names that are part of the alert's identity; `{it}` is the member's symbol.", _PAIRS),
    "for_each": ("A list such as `universe.ai`, or symbols: one alert for each member, which is `it`.", _WORDS),
    "group_by": ("The labels whose alerts are told together: rule, severity, symbol or a label of its own.", _WORDS),
    "say": ("The message, with figures in braces: `{ret(BTC, 1d):+.1%}`.", _BOTH),
    "explain": ("A longer text behind the Why button.", _BOTH),
    "chart": ("`none` for no picture under the alert.", {"type": ["string", "object"]}),
    "notes": ("For colleagues; goes with the message's details.", _TEXT),
    "enabled": ("`false` keeps the rule and switches it off.", {"type": "boolean"}),
}

PACK_HELP: Mapping[str, str] = {
    "version": "The format's version: 1.",
    "series": "Series that the pack names: `BTC_ETF: {feed: etf_flows, key: BTC, field: total, unit: USD}`.",
    "defaults": "Keys that every rule of the pack has unless it sets its own.",
    "macros": "Expressions that the pack names, to be used by name in others.",
    "rules": "The rules.",
    "tests": "Figures on a clock, and what a rule must say about them.",
}

TEST_HELP: Mapping[str, tuple[str, Mapping[str, Any]]] = {
    "rule": ("The id of the rule.", _TEXT),
    "name": ("What the test shows.", _TEXT),
    "step": ("The time from figure to figure: a length such as `5m`, or `session`.", _TEXT),
    "start": ("When the first figure comes: an instant, or with `step: session` the first day.", _TEXT),
    "until": ("When the test ends; else after its last figure and event.", _TEXT),
    "data": ("By series: figures such as `72900 73010 x3 72990~ _ none`.", {"type": "object"}),
    "expect": ("Every fired and resolved event in order.", {"type": "array"}),
}


def pack_schema() -> dict[str, Any]:
    """The schema as a plain document (draft 2020-12)."""
    rule = _object({key: _described(*RULE_HELP[key]) for key in RULE_KEYS}, required=("id", "when"))
    defaults = _object({key: _described(*RULE_HELP[key]) for key in DEFAULT_KEYS})
    event = {"at": _TEXT, "event": {"enum": list(EVENTS)}, "symbol": _TEXT}
    test = _object({key: _described(*TEST_HELP[key]) for key in TEST_KEYS}, required=("rule", "step", "start", "data"))
    test["properties"]["expect"]["items"] = _object({key: event[key] for key in EXPECT_KEYS}, required=("at", "event"))
    series = _object(dict.fromkeys(("feed", "key", "field", "unit", "calendar"), _TEXT), required=("feed", "key"))
    parts: dict[str, dict[str, Any]] = {
        "version": {"const": 1},
        "series": {"type": "object", "additionalProperties": series},
        "defaults": defaults,
        "macros": {"type": "object", "additionalProperties": _TEXT},
        "rules": {"type": "array", "items": rule},
        "tests": {"type": "array", "items": test},
    }
    described = {key: {"description": PACK_HELP[key], **parts[key]} for key in PACK_KEYS}
    head = {"$schema": "https://json-schema.org/draft/2020-12/schema", "title": "Tapewatch rule pack"}
    return {**head, **_object(described, required=("version",))}


def schema_text() -> str:
    """The schema as it is shipped."""
    return json.dumps(pack_schema(), indent=1, ensure_ascii=False) + "\n"


def _object(properties: dict[str, Any], required: tuple[str, ...] = ()) -> dict[str, Any]:
    made: dict[str, Any] = {"type": "object", "properties": properties, "additionalProperties": False}
    return {**made, "required": list(required)} if required else made


def _described(help_: str, shape: Mapping[str, Any]) -> dict[str, Any]:
    return {"description": help_, **shape}


if __name__ == "__main__":
    SHIPPED.write_text(schema_text(), encoding="utf-8")
