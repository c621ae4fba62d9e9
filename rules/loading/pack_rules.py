"""One rule of a pack: each key read into its type, the pack's defaults filled in."""

from __future__ import annotations

import re
from collections.abc import Mapping as Map
from dataclasses import dataclass
from datetime import datetime

from rules.language.catalogue import FUNCTIONS
from rules.loading import durations
from rules.loading.fields import Report, Table, kind_of
from rules.loading.yaml_source import Items, Mapping, Node, Scalar
from rules.model import Localized, Severity
from rules.spec import (
    EachObservation,
    Every,
    Expression,
    OncePer,
    OnMissing,
    RuleSpec,
    SeriesSpec,
    Span,
)

RULE_KEYS = (
    "id", "title", "when", "clear", "rearm", "every", "for", "keep_for", "once_per", "cooldown", "expires",
    "on_missing", "max_gap", "severity", "tags", "labels", "for_each", "group_by", "say", "explain", "chart", "notes",
    "enabled",
)  # fmt: skip
DEFAULT_KEYS = tuple(key for key in RULE_KEYS if key not in {"id", "title", "when", "say", "explain"})
ACTIONS = ("hold", "resolve", "fire")
_ID = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")
_EVERY: Every = EachObservation()
_NO_SPAN, _HOLD = Span(), OnMissing()


@dataclass(frozen=True, slots=True)
class Draft:
    """A rule with the places of its texts, so that what is inside of them can be located."""

    spec: RuleSpec
    node: Mapping
    id: Scalar
    messages: Map[str, Map[str, Scalar]]
    """By key (``title``, ``say``, ``explain``) and language: as written."""
    labels: Map[str, Scalar]
    at: Map[str, Node]
    """The value of each key, of the rule or of the defaults."""


@dataclass(frozen=True, slots=True)
class PackNames:
    """What a pack names for all of its rules."""

    defaults: Mapping | None
    series: Map[str, SeriesSpec]
    macros: Map[str, Expression]


def read_rule(node: Node, names: PackNames, report: Report) -> Draft | None:
    """Read one rule; ``None`` if it lacks what makes it one. Every slip is reported."""
    table = report.table(node, "a rule", RULE_KEYS)
    if table is None or not isinstance(node, Mapping):
        return None
    id_ = _id(table)
    when = _expression(table, "when")
    if "when" not in table:
        report.say(node, "missing-key", "a rule has no 'when'")
    defaults = names.defaults.entries if names.defaults else {}
    table = Table(report, Mapping(node.source, node.start, node.line, node.column, {**defaults, **node.entries}))
    if id_ is None or when is None:
        return None
    title = table.both("title")
    messages = {key: found for key in ("say", "explain") if (found := table.both(key)) is not None}
    labels = table.pairs("labels")
    spec = RuleSpec(
        id=id_.value,
        title=_texts(title) or {"en": id_.value, "zh": id_.value},
        when=when,
        clear=_expression(table, "clear"),
        rearm=_expression(table, "rearm"),
        every=table.parsed("every", durations.read_every, _EVERY, "bad-every"),
        for_=table.parsed("for", durations.read_span, _NO_SPAN, "bad-duration"),
        keep_for=table.parsed("keep_for", durations.read_span, _NO_SPAN, "bad-duration"),
        once_per=table.choice("once_per", OncePer, None),
        cooldown=table.parsed("cooldown", durations.read_span, _NO_SPAN, "bad-duration"),
        expires=table.parsed("expires", _expires, None, "bad-instant"),
        on_missing=_on_missing(table),
        max_gap=table.parsed("max_gap", durations.read_duration, None, "bad-duration"),
        severity=table.choice("severity", Severity, Severity.INFO, ("digest",)) or Severity.INFO,
        tags=table.words("tags"),
        labels={name: scalar.value for name, scalar in labels.items()},
        for_each=", ".join(table.words("for_each")),
        group_by=table.words("group_by"),
        say=_texts(messages.get("say")),
        explain=_texts(messages.get("explain")),
        chart=_chart(table),
        notes=table.text("notes"),
        enabled=table.flag("enabled", default=True),
        series=names.series,
        macros=names.macros,
        file=node.source.file,
        line=node.line,
    )
    if title:
        messages["title"] = title
    return Draft(spec, node, id_, messages, labels, {key: value for key, (_, value) in table.node.entries.items()})


def read_series(node: Node | None, report: Report) -> dict[str, SeriesSpec]:
    """The series that a pack names."""
    found = {}
    for name, scalar, table in _named_tables(node, report):
        feed, key = table.required("feed", f"the series {name}"), table.required("key", f"the series {name}")
        _check_name(name, scalar, report)
        if feed is not None and key is not None:
            calendar = table.parsed("calendar", durations.read_calendar, "24/7", "unknown-calendar")
            leaf, unit = table.text("field", "value"), table.text("unit")
            found[name] = SeriesSpec(name, feed.value, key.value, leaf, unit, calendar)
    return found


def read_macros(node: Node | None, report: Report) -> dict[str, Expression]:
    """The expressions that a pack names."""
    if node is None:
        return {}
    if not isinstance(node, Mapping):
        report.say(node, "wrong-type", f"'macros' must be a mapping, not {kind_of(node)}")
        return {}
    found = {}
    for name, (scalar, value) in node.entries.items():
        _check_name(name, scalar, report)
        if report.text(value, f"the macro {name}") is not None and isinstance(value, Scalar):
            found[name] = expression_of(value)
    return found


def expression_of(scalar: Scalar) -> Expression:
    """An expression with the place of each of its characters."""
    return Expression(scalar.value, scalar.source.file, scalar.positions)


def _named_tables(node: Node | None, report: Report) -> list[tuple[str, Scalar, Table]]:
    if node is None:
        return []
    if not isinstance(node, Mapping):
        report.say(node, "wrong-type", f"'series' must be a mapping, not {kind_of(node)}")
        return []
    found = []
    for name, (scalar, value) in node.entries.items():
        table = report.table(value, f"the series {name}", ("feed", "key", "field", "unit", "calendar"))
        if table is not None:
            found.append((name, scalar, table))
    return found


def _check_name(name: str, scalar: Scalar, report: Report) -> None:
    if not name.isidentifier():
        report.say(scalar, "bad-name", f"{name!r} is no name; wanted letters, digits and _ such as BTC_ETF")
    elif name in FUNCTIONS or name in {"it", "and", "or", "not", "universe"}:
        report.say(scalar, "bad-name", f"{name!r} has a meaning of its own in expressions; choose another name")


def _id(table: Table) -> Scalar | None:
    found = table.required("id", "a rule")
    if found is not None and not _ID.fullmatch(found.value):
        said = f"{found.value!r} is no id; wanted small letters, digits, - . _ and at most 64 of them"
        table.report.say(found, "bad-id", said)
    return found


def _expression(table: Table, key: str) -> Expression | None:
    found = table.scalar(key)
    return None if found is None else expression_of(found)


def _texts(written: Map[str, Scalar] | None) -> Localized | None:
    if not written:
        return None
    other = next(iter(written.values()))
    return {"en": written.get("en", other).value, "zh": written.get("zh", other).value}


def _on_missing(table: Table) -> OnMissing:
    node = table.at("on_missing")
    if isinstance(node, Mapping):
        inner = table.report.table(node, "'on_missing'", ("notify_after",))
        if inner is None or "notify_after" not in inner:
            if not node.entries:
                table.report.say(node, "missing-key", "'on_missing' has no 'notify_after'")
            return _HOLD
        return OnMissing("notify", inner.parsed("notify_after", durations.read_span, _NO_SPAN, "bad-duration"))
    return table.parsed("on_missing", _action, _HOLD, "unknown-word")


def _action(text: str) -> OnMissing:
    if text == "hold":
        return OnMissing("hold")
    if text == "resolve":
        return OnMissing("resolve")
    if text == "fire":
        return OnMissing("fire")
    raise ValueError(f"{text!r} is none of {', '.join(ACTIONS)} or {{notify_after: 2 sessions}}")


def _expires(text: str) -> datetime | Span | None:
    if text[:4].isdigit() and text[4:5] == "-":
        return durations.read_instant(text)
    return durations.read_span(text)


def _chart(table: Table) -> dict[str, str]:
    node = table.at("chart")
    if isinstance(node, Mapping):
        return {key: scalar.value for key, scalar in table.pairs("chart").items()}
    if isinstance(node, Items):
        table.report.say(node, "wrong-type", "'chart' must be a text or a mapping, not a list")
    return {"of": table.text("chart")} if isinstance(node, Scalar) else {}
