"""A rule, compiled: its conditions and messages as closures, and what they read."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from rules.evaluation.compile import compile_typed
from rules.evaluation.listing import is_bounded, while_listed
from rules.functions.base import Part
from rules.language.analysis import Analysis, analyse
from rules.language.errors import ExpressionError
from rules.language.parser import parse
from rules.language.scope import Ref, Scope, price_of
from rules.language.template import Format, parse_template
from rules.language.typed import Typed
from rules.lifecycle import Policy
from rules.model import Lang, Localized
from rules.problems import Problem, ProblemsFound
from rules.spec import AtSession, Expression, NewObservation, RuleSpec
from rules.universe import Instrument

_EDGES = frozenset({"crosses", "crosses_up", "crosses_down", "enters", "exits", "becomes"})
_OUTSIDE = {"when": 0.0, "clear": 1.0}
"""What holds of a member before and after its dates: it neither fires nor goes on firing."""
_PERIOD_ORDER = ("session", "week", "month", "quarter", "year")


@dataclass(frozen=True)
class Filled:
    """A piece of a message that is computed. It is compiled when it is first wanted: most rules never fire."""

    typed: Typed
    owner: str
    source: str
    format: Format | None

    @cached_property
    def part(self) -> Part:
        """The compiled expression."""
        return compile_typed(self.typed, self.owner, self.source)


@dataclass(frozen=True, slots=True)
class MemberName:
    """``{it}`` in a message: the member's name in the reader's language."""


Message = tuple[str | Filled | MemberName, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """A compiled rule. ``refs`` are all series that its conditions read; ``trigger`` is that of ``every: new(…)``."""

    spec: RuleSpec
    version: str
    members: tuple[Instrument, ...] | None
    when: Part
    clear: Part | None
    rearm: Part | None
    say: Mapping[Lang, Message]
    explain: Mapping[Lang, Message]
    refs: frozenset[Ref]
    message_refs: frozenset[Ref]
    trigger: Ref | None
    calendar: str
    period: str
    policy: Policy

    @property
    def parts(self) -> tuple[Part, ...]:
        """Conditions and everything that messages show."""
        texts = (piece for text in (*self.say.values(), *self.explain.values()) for piece in text)
        shown = tuple(piece.part for piece in texts if isinstance(piece, Filled))
        return (*(part for part in (self.when, self.clear, self.rearm) if part is not None), *shown)


def compile_rule(spec: RuleSpec, scope: Scope) -> Program:
    """Compile ``spec``; raise ``ProblemsFound`` with every mistake in its expressions."""
    return _Compiler(spec, scope).program()


class _Compiler:
    def __init__(self, spec: RuleSpec, scope: Scope) -> None:
        self.spec = spec
        self.problems: list[Problem] = []
        self.members: tuple[Instrument, ...] | None = None
        if spec.for_each:
            try:
                self.members = scope.members(spec.for_each)
            except KeyError as error:
                self._problem(spec.when, 0, "unknown-list", f"there is no list {error.args[0]!r}", "")
        self.scope = Scope(
            scope.universe, {**scope.series, **spec.series}, spec.macros, self.members, scope.is_calendar
        )

    def program(self) -> Program:
        spec = self.spec
        when = self._condition(spec.when, "when")
        clear = self._condition(spec.clear, "clear") if spec.clear else None
        rearm = self._condition(spec.rearm, "rearm") if spec.rearm else None
        say = self._messages(spec.say)
        explain = self._messages(spec.explain)
        trigger = self._trigger()
        if self.problems or when is None:
            raise ProblemsFound(self.problems)
        parts = [part for part in (when, clear, rearm) if part is not None]
        texts = [
            piece.typed
            for messages in (say, explain)
            for text in messages.values()
            for piece in text
            if isinstance(piece, Filled)
        ]
        return Program(
            spec=spec,
            version=self._version(parts),
            members=self.members,
            when=when,
            clear=clear,
            rearm=rearm,
            say=say,
            explain=explain,
            refs=_reads([part.typed for part in parts]),
            message_refs=_reads(texts),
            trigger=trigger,
            calendar=self._calendar(when, trigger),
            period=_period(when),
            policy=self._policy(when),
        )

    def _problem(self, expression: Expression, offset: int, code: str, message: str, suggestion: str) -> None:
        line, column = expression.locate(offset)
        self.problems.append(Problem(expression.file or self.spec.file, line, column, code, message, suggestion))

    def _condition(self, expression: Expression, clause: str) -> Part | None:
        try:
            analysis = analyse(parse(expression.text), self.scope, "condition")
        except ExpressionError as error:
            for found in error.errors:
                self._problem(expression, found.offset, found.code, found.message, found.suggestion)
            return None
        return self._compiled(analysis, expression, clause)

    def _compiled(self, analysis: Analysis, expression: Expression, clause: str) -> Part | None:
        if not self._sound(analysis, expression):
            return None
        part = compile_typed(analysis.typed, f"{self.spec.id}/{clause}", expression.text)
        if self.members and clause in _OUTSIDE and any(is_bounded(member) for member in self.members):
            part.evaluate = while_listed(part.evaluate, self.members, _OUTSIDE[clause])
        return part

    def _sound(self, analysis: Analysis, expression: Expression) -> bool:
        """Whether the expression can be compiled; its errors are noted."""
        for found in analysis.findings:
            if found.severity == "error":
                self._problem(expression, found.offset, found.code, found.message, found.suggestion)
        return analysis.ok

    def _messages(self, texts: Localized | None) -> dict[Lang, Message]:
        if texts is None:
            return {}
        return {lang: self._message(text) for lang, text in texts.items()}

    def _message(self, text: str) -> Message:
        whole = Expression(text, self.spec.file, ((self.spec.line or 1, 1),) * (len(text) + 1))
        try:
            template = parse_template(text)
        except ExpressionError as error:
            self._problem(whole, error.offset, error.code, error.message, error.suggestion)
            return ()
        pieces: list[str | Filled | MemberName] = []
        for piece in template:
            if isinstance(piece, str):
                pieces.append(piece)
            elif piece.text == "it":
                pieces.append(MemberName())
            else:
                analysis = analyse(piece.node, self.scope)
                if self._sound(analysis, whole):
                    pieces.append(Filled(analysis.typed, f"{self.spec.id}/say", text, piece.format))
        return tuple(pieces)

    def _trigger(self) -> Ref | None:
        every = self.spec.every
        if not isinstance(every, NewObservation):
            return None
        try:
            typed = analyse(parse(every.series), self.scope).typed
        except ExpressionError as error:
            self._problem(self.spec.when, 0, error.code, f"every: {error.message}", error.suggestion)
            return None
        if typed.ref is None:
            self._problem(
                self.spec.when, 0, "not-a-series", f"every: new({every.series}) wants the name of a series", ""
            )
        return typed.ref

    def _calendar(self, when: Part, trigger: Ref | None) -> str:
        if isinstance(self.spec.every, AtSession):
            return self.spec.every.calendar
        anchor = trigger or when.anchor
        if anchor is not None and anchor.calendar:
            return anchor.calendar
        return self.members[0].calendar if self.members else "24/7"

    def _policy(self, when: Part) -> Policy:
        spec = self.spec
        return Policy(
            for_=spec.for_,
            keep_for=spec.keep_for,
            cooldown=spec.cooldown,
            on_missing=spec.on_missing,
            expires=spec.expires,
            once_per=spec.once_per is not None,
            rearm=spec.rearm is not None,
            momentary=spec.clear is None and _is_momentary(when),
        )

    def _version(self, parts: list[Part]) -> str:
        """A hash of what the rule means: its conditions after macros and names, and whom it is about; not its words."""
        spec = self.spec
        meaning = [part.typed.key for part in parts] + [
            repr(spec.every),
            spec.for_each,
            repr(spec.rearm is None),
            repr(spec.clear is None),
        ]
        return hashlib.sha256("\0".join(meaning).encode()).hexdigest()[:12]


def _reads(expressions: list[Typed]) -> frozenset[Ref]:
    return frozenset().union(*(typed.reads() for typed in expressions))


def _is_momentary(part: Part) -> bool:
    """Whether the condition can only hold for one evaluation: an edge, or edges joined by and/or with others."""
    if part.name in _EDGES:
        return True
    if part.typed.form == "op" and len(part.args) == 2 and part.typed.is_condition:
        sides = [_is_momentary(arg) for arg in part.args]
        return any(sides) if part.typed.name == "and" else part.typed.name == "or" and all(sides)
    return False


def _period(part: Part) -> str:
    """The shortest period word of the condition, whose rollover ends an episode; ``""`` without one."""
    found = {inner.typed.window.unit for inner in part.walk() if inner.typed.window and inner.typed.window.is_period}
    return next((period for period in _PERIOD_ORDER if period in found), "")


__all__ = ["Filled", "MemberName", "Message", "Program", "compile_rule", "price_of"]
