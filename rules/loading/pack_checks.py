"""What a rule says, checked: names, units and windows of its expressions, its messages, and clauses that can't work."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Literal

from rules.formats import suits
from rules.language.analysis import Analysis, analyse
from rules.language.errors import ExpressionError, Finding
from rules.language.parser import parse
from rules.language.scope import Scope
from rules.language.template import Hole, parse_template
from rules.loading.bounds import bounds_of, oddities
from rules.loading.pack_rules import Draft
from rules.loading.yaml_source import Scalar
from rules.problems import Problem, nearest
from rules.spec import AtInterval, AtSession, Expression, NewObservation, SeriesSpec
from rules.universe import Instrument

_NAME = re.compile(r"[^\W\d]\w*")
_WORD = re.compile(r"[^\W_]|…")
Wanted = Literal["condition", "figure", "either"]


def check_rule(draft: Draft, scope: Scope, broken: frozenset[str] = frozenset()) -> tuple[list[Problem], bool]:
    """Every mistake and doubt inside the rule's texts, and whether the rule can be used.

    ``broken`` are macros whose mistakes were told already; a rule that needs one can't be used.
    """
    checker = _Checker(draft, scope, broken)
    checker.run()
    return checker.problems, checker.usable and all(problem.warning for problem in checker.problems)


def check_macros(
    macros: Mapping[str, Expression], series: Mapping[str, SeriesSpec], scope: Scope
) -> dict[str, Problem]:
    """The first mistake of each macro that has one, by name; `it` may be any instrument."""
    whole = Scope(scope.universe, series, macros, scope.universe.instruments, scope.is_calendar)
    found: dict[str, Problem] = {}
    for name, expression in macros.items():
        try:
            findings = analyse(parse(expression.text), whole).findings
        except ExpressionError as error:
            findings = error.errors
        for each in findings:
            if each.severity == "error":
                line, column = expression.locate(each.offset)
                found[name] = Problem(expression.file, line, column, each.code, each.message, each.suggestion)
                break
    return found


class _Checker:
    def __init__(self, draft: Draft, scope: Scope, broken: frozenset[str]) -> None:
        self.broken = broken
        self.usable = True
        self.draft = draft
        self.spec = draft.spec
        self.problems: list[Problem] = []
        self.scope = Scope(scope.universe, self.spec.series, self.spec.macros, self._members(scope), scope.is_calendar)

    def run(self) -> None:
        """Look at every clause."""
        spec = self.spec
        when = self._analysed(spec.when, "condition")
        clear = self._analysed(spec.clear, "condition") if spec.clear else None
        rearm = self._analysed(spec.rearm, "condition") if spec.rearm else None
        if rearm is not None and spec.rearm is not None:
            self._possible(rearm, spec.rearm, "rearm")
        if when is not None:
            self._possible(when, spec.when, "when")
            self._reads(when, spec.when)
        if when is not None and clear is not None and spec.clear is not None:
            self._possible(clear, spec.clear, "clear")
            self._apart(when, clear, spec.clear)
        self._every()
        self._identity()
        for key, texts in self.draft.messages.items():
            for scalar in texts.values():
                self._message(key, scalar)

    def _say(self, scalar: Scalar, offset: int, code: str, message: str, suggestion: str = "") -> None:
        places = scalar.positions
        line, column = places[min(offset, len(places) - 1)] if len(places) else (scalar.line, scalar.column)
        self.problems.append(Problem(scalar.source.file, line, column, code, message, suggestion))

    def _members(self, scope: Scope) -> tuple[Instrument, ...] | None:
        if not self.spec.for_each:
            return None
        node = self.draft.at["for_each"]
        try:
            members = scope.members(self.spec.for_each)
        except KeyError as error:
            name = str(error.args[0])
            lists = [f"universe.{tag}" for tag in scope.universe.tags]
            guess = nearest(name, [*lists, *scope.universe.names])
            said = f"there is no list or symbol {name!r}"
            self.problems.append(Problem(node.source.file, node.line, node.column, "unknown-list", said, guess))
            return tuple(scope.universe.instruments)
        if not members:
            said = f"{self.spec.for_each} has no members with prices"
            self.problems.append(Problem(node.source.file, node.line, node.column, "empty-list", said))
        return members

    def _analysed(self, expression: Expression, wanted: Wanted) -> Analysis | None:
        """The analysis if it has no errors; findings become problems either way."""
        try:
            analysis = analyse(parse(expression.text), self.scope, wanted)
        except ExpressionError as error:
            self._found(expression, error.errors, 0)
            return None
        self._found(expression, analysis.findings, 0)
        return analysis if analysis.ok else None

    def _found(self, expression: Expression, findings: tuple[Finding, ...], shift: int) -> None:
        for each in findings:
            word = _NAME.match(expression.text, each.offset + shift)
            if word is not None and word[0] in self.broken:
                self.usable = False
                continue
            line, column = expression.locate(each.offset + shift)
            self.problems.append(
                Problem(
                    expression.file, line, column, each.code, each.message, each.suggestion, each.severity == "warning"
                )
            )

    def _every(self) -> None:
        every, node = self.spec.every, self.draft.at.get("every")
        if isinstance(every, NewObservation) and isinstance(node, Scalar):
            self._trigger(every, node)
        if (
            isinstance(every, AtSession)
            and isinstance(node, Scalar)
            and every.edge == "close"
            and every.offset.days < 0
        ):
            said = "before the close a session's figures are still running; wanted close+20m or so"
            self.problems.append(Problem(node.source.file, node.line, node.column, "early", said, warning=True))

    def _trigger(self, every: NewObservation, node: Scalar) -> None:
        shift = node.value.index("(") + 1
        try:
            typed = analyse(parse(every.series), self.scope).typed
        except ExpressionError as error:
            self._say(node, shift + error.offset, error.code, error.message, error.suggestion)
            return
        if typed.form != "series":
            names = [*self.spec.series, *self.scope.universe.names]
            said = f"new({every.series}) wants the name of a series"
            self._say(node, shift, "not-a-series", said, nearest(every.series, names))

    def _identity(self) -> None:
        """Labels identify an alert, so they hold no figures; groups are made of labels."""
        for name, scalar in self.draft.labels.items():
            for hole in re.finditer(r"\{([^{}]*)\}", scalar.value):
                if hole[1].strip() != "it":
                    said = (
                        f"the label {name!r} holds a figure, and each new figure would be another alert; put it in say"
                    )
                    self._say(scalar, hole.start(), "value-in-label", said)
                elif self.scope.it is None:
                    self._say(scalar, hole.start(), "no-it", "`it` has a meaning only in a rule with for_each")
        known = ("rule", "severity", "symbol", *self.draft.labels)
        for word in self.spec.group_by:
            if word not in known:
                node = self.draft.at["group_by"]
                said = f"group_by names no label {word!r}; there are {', '.join(known)}"
                problem = Problem(node.source.file, node.line, node.column, "unknown-label", said, nearest(word, known))
                self.problems.append(problem)

    def _message(self, key: str, scalar: Scalar) -> None:
        try:
            template = parse_template(scalar.value)
        except ExpressionError as error:
            for each in error.errors:
                self._say(scalar, each.offset, each.code, each.message, each.suggestion)
            return
        words = "".join(piece for piece in template if isinstance(piece, str))
        named = any(isinstance(piece, Hole) and piece.text == "it" for piece in template)
        if not _WORD.search(words) and not named:
            said = f"{key} could show nothing: where its figures are unknown no word is left; add some"
            self._say(scalar, 0, "empty-message", said)
        if key == "title" and len(words) < len(scalar.value) and any(not isinstance(piece, str) for piece in template):
            self._title(scalar)
            return
        for piece in template:
            if isinstance(piece, Hole):
                self._hole(scalar, piece)

    def _title(self, scalar: Scalar) -> None:
        said = "a title names the rule and holds no figures; put them in say"
        self._say(scalar, scalar.value.index("{"), "value-in-title", said)

    def _hole(self, scalar: Scalar, hole: Hole) -> None:
        if hole.text == "it" and self.scope.it is not None:
            if hole.format is not None:
                said = "{it} is a name and takes no format; its price is {close(it):,.2f}"
                self._say(scalar, hole.offset, "format-unit", said)
            return
        analysis = analyse(hole.node, self.scope)
        self._found(Expression(scalar.value, scalar.source.file, scalar.positions), analysis.findings, hole.offset)
        if not analysis.ok or hole.format is None:
            return
        if not suits(hole.format, analysis.typed.unit):
            said = f"the format {hole.format.kind or '+'} doesn't suit {hole.text}; leave it out to have the usual one"
            self._say(scalar, hole.offset, "format-unit", said)

    def _possible(self, analysis: Analysis, expression: Expression, clause: str) -> None:
        for node, kind, said in oddities(analysis.typed):
            line, column = expression.locate(node.offset)
            code = f"unreachable-{clause}" if kind == "never" else "always-true"
            whole = node is analysis.typed.node
            message = f"{clause if whole else f'this part of {clause}'} {said}"
            doubt = kind == "always" or not whole
            self.problems.append(Problem(expression.file, line, column, code, message, warning=doubt))

    def _reads(self, analysis: Analysis, expression: Expression) -> None:
        """A condition that nothing makes run, and one that is the same for every member."""
        refs, every = analysis.typed.reads(), self.spec.every
        if not refs and not isinstance(every, AtSession | AtInterval | NewObservation):
            said = "when reads no series, so nothing ever makes it run; name one, or give every: 15m or so"
            self.problems.append(Problem(expression.file, *expression.locate(0), "no-series", said))
        known = self.spec.for_each and not any(problem.code == "unknown-list" for problem in self.problems)
        if known and refs and all(ref.key for ref in refs):
            said = "when says nothing about `it`, so it holds for all members alike; write it, or leave for_each out"
            self.problems.append(Problem(expression.file, *expression.locate(0), "it-unused", said, warning=True))

    def _apart(self, when: Analysis, clear: Analysis, expression: Expression) -> None:
        """A value that satisfies both would fire and resolve without end."""
        fires, clears = bounds_of(when.typed), bounds_of(clear.typed)
        if fires is None or clears is None or len(fires) != 1 or fires.keys() != clears.keys():
            return
        ((key, bound),) = fires.items()
        both = bound.meet(clears[key])
        if not both.is_empty:
            line, column = expression.locate(0)
            said = f"clear holds where when does too ({key} {both}), so the alert would fire and resolve without end"
            self.problems.append(Problem(expression.file, line, column, "clear-overlaps", said))
