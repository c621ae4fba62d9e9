"""From names to meanings: what each part of an expression is, in which unit, and everything that is wrong with it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal
from weakref import WeakKeyDictionary

from rules.language import units
from rules.language.catalogue import FUNCTIONS, PERIODS, Function, Kind
from rules.language.errors import ExpressionError, Finding
from rules.language.parser import parse
from rules.language.scope import Ref, Scope, price_of, price_of_it
from rules.language.tree import Binary, Call, Name, Node, Number, Unary
from rules.language.typed import Typed, Window
from rules.problems import nearest
from rules.universe import Universe

_MAX_SESSIONS = 2_600
_COUNTS = frozenset({"rsi", "zscore", "count", "streak", "rank", "count_of", "sign"})
_COMPARISONS = frozenset({"<", "<=", ">", ">=", "==", "!="})


@dataclass(frozen=True, slots=True)
class Analysis:
    """The typed tree and all findings, ordered by their place; usable when none of them is an error."""

    typed: Typed
    findings: tuple[Finding, ...]

    @property
    def ok(self) -> bool:
        """Whether the expression can be compiled."""
        return not any(finding.severity == "error" for finding in self.findings)


Wanted = Literal["condition", "figure", "either"]

_REMEMBERED = 4_096
_MAX_PARTS = 1_000
_LONG = 200  # characters; what is longer is rare, and could be used to fill the memory
_MEMO: WeakKeyDictionary[Universe, dict[tuple[object, ...], tuple[Node, Analysis]]] = WeakKeyDictionary()
"""By universe: what was analysed with shared names; the node is kept so that its id stays its own."""


def analyse(node: Node, scope: Scope, wanted: Wanted = "either") -> Analysis:
    """Resolve names, check units and windows; never raises for what the expression says.

    Loading and compiling ask the same of the same tree, as do a rule's texts in two languages: the answer is kept.
    """
    if scope.it is not None or node.end - node.offset > _LONG:
        return _analysed(node, scope, wanted)
    memo = _MEMO.setdefault(scope.universe, {})
    key = (id(node), wanted, tuple(scope.series.values()), tuple(scope.macros.items()))
    found = memo.get(key)
    if found is None:
        if len(memo) >= _REMEMBERED:
            memo.clear()
        found = memo[key] = (node, _analysed(node, scope, wanted))
    return found[1]


def _analysed(node: Node, scope: Scope, wanted: Wanted) -> Analysis:
    analyser = _Analyser(scope)
    typed = analyser.expression(node)
    if wanted == "condition" and not typed.is_condition and typed.form != "broken":
        message = f"a condition is wanted, this is {units.name_of(typed.unit)}; compare it with something"
        analyser.report(node, "not-a-condition", message)
    if wanted == "figure" and typed.is_condition:
        analyser.report(node, "not-a-figure", "a figure is wanted, this is a condition")
    return Analysis(typed, tuple(sorted(set(analyser.findings))))


class _Analyser:
    def __init__(self, scope: Scope) -> None:
        self.scope = scope
        self.findings: list[Finding] = []
        self._expanding: list[str] = []
        self._at: int | None = None
        self._parts = 0

    def report(self, node: Node, code: str, message: str, suggestion: str = "", *, warning: bool = False) -> Typed:
        offset = node.offset if self._at is None else self._at
        self.findings.append(Finding(offset, code, message, suggestion, "warning" if warning else "error"))
        return Typed(node, "broken", units.ANY, "?")

    def expression(self, node: Node) -> Typed:
        """A figure or a condition."""
        self._parts += 1
        if self._parts > _MAX_PARTS:
            message = f"with its macros the expression has more than {_MAX_PARTS:,} parts; split it into rules"
            return self.report(node, "too-many-nodes", message)
        match node:
            case Number():
                return self._literal(node)
            case Name():
                return self._name(node)
            case Call():
                return self._call(node)
            case Unary():
                return self._unary(node)
            case Binary():
                return self._binary(node)

    def _literal(self, node: Number) -> Typed:
        if node.unit in {"d", "bars", "w", "mo", "y"}:
            return self.report(
                node, "window-as-value", f"{node} is a window; it belongs in a function such as ret(x, {node})"
            )
        unit = f"money:{node.unit}" if len(node.unit) == 3 and node.unit.isupper() else node.unit
        return Typed(node, "literal", unit, str(node), value=node.value)

    def _name(self, node: Name) -> Typed:
        if node.name == "it":
            return self._it(node)
        if node.name in self.scope.macros:
            return self._macro(node)
        if node.name in PERIODS:
            return self.report(
                node,
                "window-as-value",
                f"{node.name} is a window; it belongs in a function such as ret(x, {node.name})",
            )
        ref = self._series(node.name)
        if ref is None:
            return self._unknown(node)
        return Typed(node, "series", ref.unit, str(ref), ref=ref)

    def _it(self, node: Name) -> Typed:
        if self.scope.it is None:
            return self.report(
                node,
                "no-it",
                "`it` has a meaning only in a rule with for_each and inside any, all, count_of, top, mean_of",
            )
        currencies = {item.currency for item in self.scope.it}
        unit = f"price:{currencies.pop()}" if len(currencies) == 1 else "price"
        return Typed(node, "series", unit, "prices.it.close", ref=price_of_it(unit))

    def _series(self, name: str) -> Ref | None:
        own = self.scope.series.get(name)
        if own is not None:
            unit = own.unit if own.unit in {"", "%", "pp"} else f"money:{own.unit}"
            unit = f"price:{own.unit}" if own.feed == "prices" and own.unit else unit
            return Ref(own.feed, own.key, own.field, own.calendar, unit)
        instrument = self.scope.universe.resolve(name)
        return None if instrument is None else price_of(instrument)

    def _unknown(self, node: Name) -> Typed:
        head, _, tail = node.name.rpartition(".")
        if head and tail in FUNCTIONS and self._series(head) is not None:
            return self.report(node, "no-attributes", f"values have no attributes; write {tail}({head})")
        if node.name in FUNCTIONS:
            return self.report(
                node, "not-called", f"{node.name} is a function; call it as {FUNCTIONS[node.name].signature}"
            )
        names, said = self.scope.names(), f"nothing is called {node.name!r}"
        feed, _, field = node.name.partition(".")
        key, _, field = field.rpartition(".")
        if feed and key and field:
            said += f"; name it under series: NAME: {{feed: {feed}, key: {key}, field: {field}, …}} and use NAME"
        return self.report(node, "unknown-name", said, nearest(node.name, names))

    def _macro(self, node: Name) -> Typed:
        if node.name in self._expanding:
            return self.report(node, "macro-loop", f"the macro {node.name} uses itself")
        if len(self._expanding) >= 8:
            return self.report(node, "macro-depth", "macros are nested more than 8 deep")
        try:
            body = parse(self.scope.macros[node.name].text)
        except ExpressionError as error:
            return self.report(node, "bad-macro", f"the macro {node.name} can't be read: {error.message}")
        outer, self._at = self._at, node.offset if self._at is None else self._at
        self._expanding.append(node.name)
        typed = self.expression(body)
        self._expanding.pop()
        self._at = outer
        return replace(typed, node=node)

    def _unary(self, node: Unary) -> Typed:
        operand = self.expression(node.operand)
        if node.op == "not":
            if not operand.is_condition and operand.form != "broken":
                self.report(
                    node.operand, "not-a-condition", f"not wants a condition, this is {units.name_of(operand.unit)}"
                )
            return Typed(node, "op", units.BOOL, f"(not {operand.key})", "not", (operand,))
        if operand.is_condition:
            self.report(node.operand, "condition-in-arithmetic", "a condition has no negative; write not")
        return Typed(node, "op", operand.unit, f"(-{operand.key})", "-", (operand,))

    def _binary(self, node: Binary) -> Typed:
        left, right = self.expression(node.left), self.expression(node.right)
        key = f"({left.key} {node.op} {right.key})"
        if node.op in {"and", "or"}:
            for side, typed in ((node.left, left), (node.right, right)):
                if not typed.is_condition and typed.form != "broken":
                    self.report(
                        side, "not-a-condition", f"{node.op} wants conditions, this is {units.name_of(typed.unit)}"
                    )
            return Typed(node, "op", units.BOOL, key, node.op, (left, right))
        zero = any(side.form == "literal" and side.value == 0 for side in (left, right))
        if node.op in _COMPARISONS:
            unit, doubt = units.BOOL, self._compared(left, right, zero=zero)
        else:
            unit, doubt = units.combine(node.op, left.unit, right.unit, zero=zero)
        self._doubt(node, doubt)
        return Typed(node, "op", unit, key, node.op, (left, right))

    def _compared(self, left: Typed, right: Typed, *, zero: bool) -> units.Doubt | None:
        for one, other in ((left, right), (right, left)):
            if one.unit in {"%", "pp"} and other.form == "literal" and other.unit == "" and abs(other.value) >= 1:
                value = f"{other.value:g}"
                message = f"{units.name_of(one.unit)} compared with the plain number {value}; write {value}{one.unit}"
                return units.Doubt("percent-with-number", message, warning=True)
            percent = other.form == "literal" and other.unit in {"%", "pp", "bp"}
            if percent and one.form == "call" and one.name in _COUNTS:
                message = f"{one.name} is a plain number, and {other.node} is {other.value:g}; write a number"
                return units.Doubt("number-with-percent", message)
        return units.compare(left.unit, right.unit, zero=zero)

    def _doubt(self, node: Binary, doubt: units.Doubt | None) -> None:
        if doubt is not None:
            at = replace(node, offset=node.at)
            self.report(at, doubt.code, doubt.message, warning=doubt.warning)

    def _call(self, node: Call) -> Typed:
        function = FUNCTIONS.get(node.function)
        if function is None:
            message = f"there is no function {node.function!r}"
            return self.report(node, "unknown-function", message, nearest(node.function, FUNCTIONS))
        if len(node.args) != len(function.params):
            count = f"{len(function.params)} argument{'s' * (len(function.params) != 1)}"
            message = f"{function.name} takes {count}, not {len(node.args)}: {function.signature}"
            return self.report(node, "wrong-arguments", message)
        args = self._arguments(node, function)
        if any(arg.form == "broken" for arg in args):
            return Typed(node, "broken", _result(function, args), "?", function.name, args)
        self._check_call(node, function, args)
        key = f"{function.name}({', '.join(arg.key for arg in args)})"
        return Typed(node, "call", _result(function, args), key, function.name, args)

    def _arguments(self, node: Call, function: Function) -> tuple[Typed, ...]:
        typed: list[Typed] = []
        outer = self.scope
        for arg, (_, kind) in zip(node.args, function.params, strict=True):
            typed.append(self._argument(arg, kind, function))
            if kind == "set" and function.group == "sets":
                self.scope = self.scope.with_it(typed[-1].members)
        self.scope = outer
        return tuple(typed)

    def _argument(self, node: Node, kind: Kind, function: Function) -> Typed:
        if kind == "window":
            return self._window(node)
        if kind == "count":
            return self._count(node)
        if kind == "set":
            return self._set(node)
        if kind == "calendar":
            return self._calendar(node)
        if kind == "text":
            return self._text(node)
        return self._value(node, kind, function)

    def _value(self, node: Node, kind: Kind, function: Function) -> Typed:
        typed = self.expression(node)
        if typed.form == "broken" or (typed.is_condition and function.name == "known"):
            return typed
        code, wanted = _mismatch(typed, kind, function)
        return self.report(node, code, f"{function.name} wants {wanted}") if code else typed

    def _window(self, node: Node) -> Typed:
        if isinstance(node, Name) and node.name in PERIODS:
            return Typed(node, "window", units.ANY, node.name, window=Window(PERIODS[node.name]))  # type: ignore[arg-type]
        if not isinstance(node, Number) or node.unit not in {"d", "bars", "w", "mo", "y", "s"}:
            wanted = f"wanted a window: 5d, 20d, 1w, 1mo, 1y, 20 bars, {', '.join(PERIODS)}"
            guess = nearest(node.name, PERIODS) if isinstance(node, Name) else ""
            return self.report(node, "bad-window", wanted, guess)
        window = Window(node.unit, int(node.value))  # type: ignore[arg-type]
        if node.value != window.count or window.count < 1:
            return self.report(node, "bad-window", f"a window has a whole number of sessions, at least 1, not {node}")
        if node.unit != "s" and window.sessions > _MAX_SESSIONS:
            return self.report(node, "bad-window", f"the window {node} is longer than {_MAX_SESSIONS:,} sessions")
        return Typed(node, "window", units.ANY, str(node), window=window)

    def _count(self, node: Node) -> Typed:
        if not isinstance(node, Number) or node.unit not in {"", "d", "bars"} or node.value != int(node.value):
            return self.report(node, "bad-count", "wanted a number of sessions or bars, such as 1 or 5 bars")
        if not 0 <= node.value <= _MAX_SESSIONS:
            return self.report(node, "bad-count", f"wanted a count from 0 to {_MAX_SESSIONS:,}, not {node}")
        window = Window("bars" if node.unit == "bars" else "d", int(node.value))
        return Typed(node, "window", units.ANY, str(node), window=window)

    def _set(self, node: Node) -> Typed:
        if not isinstance(node, Name):
            return self.report(node, "not-a-set", "wanted a list such as universe.ai")
        try:
            members = self.scope.members(node.name)
        except KeyError:
            lists = [f"universe.{tag}" for tag in self.scope.universe.tags]
            return self.report(node, "unknown-list", f"there is no list {node.name!r}", nearest(node.name, lists))
        if not members:
            return self.report(node, "empty-list", f"the list {node.name} has no priced members")
        symbols = ",".join(item.symbol for item in members)
        return Typed(node, "set", units.ANY, f"{{{symbols}}}", members=members)

    def _calendar(self, node: Node) -> Typed:
        name = node.name if isinstance(node, Name) else ""
        if not name or not self.scope.is_calendar(name):
            return self.report(node, "unknown-calendar", 'wanted a calendar such as XNYS, XHKG or "24/7"')
        return Typed(node, "calendar", units.ANY, name)

    def _text(self, node: Node) -> Typed:
        if not isinstance(node, Name):
            return self.report(node, "not-a-word", 'wanted a tag such as fomc or "fomc"')
        return Typed(node, "text", units.ANY, f"'{node.name}'")

    def _check_call(self, node: Call, function: Function, args: tuple[Typed, ...]) -> None:
        window = next((arg.window for arg in args if arg.form == "window"), None)
        if window is not None and (wrong := _window_trouble(function, window)):
            at = next(arg.node for arg in args if arg.form == "window")
            self.report(at, "impossible-window", wrong)
        if function.group == "edges" or function.name in {"min2", "max2", "coalesce"}:
            self._alike(node, args)
        if any(arg.has_edge for arg in args):
            message = f"an edge can't stand inside {function.name}; combine edges with and, or, not"
            self.report(node, "edge-inside", message)
        if not any(arg.anchored for arg in args) and (window is not None or function.name == "streak"):
            self.report(node, "no-series", f"{function.name} wants a series, there is none in its arguments")
        if function.name == "rel" and args[0].key == args[1].key:
            self.report(node, "same-twice", "rel of a series with itself is always 0", warning=True)

    def _alike(self, node: Call, args: tuple[Typed, ...]) -> None:
        for other, arg in zip(args[1:], node.args[1:], strict=False):
            doubt = self._compared(args[0], other, zero=other.form == "literal" and other.value == 0)
            if doubt is not None:
                self.report(arg, doubt.code, doubt.message, warning=doubt.warning)


def _mismatch(typed: Typed, kind: Kind, function: Function) -> tuple[str, str]:
    """The code and the wish when an argument isn't of its kind."""
    if kind == "condition" and not typed.is_condition:
        return "not-a-condition", f"a condition, this is {units.name_of(typed.unit)}"
    if kind != "condition" and typed.is_condition:
        return "not-a-figure", "a figure, this is a condition"
    if kind == "series" and typed.ref is None:
        return "not-a-series", f"the name of a series, such as {function.name}(BTC)"
    if kind == "number" and typed.form != "literal":
        return "not-a-number", "a plain number here"
    if kind == "event" and typed.unit != "date":
        return "not-an-event", "earnings(x) or event(tag)"
    return "", ""


def _window_trouble(function: Function, window: Window) -> str:
    if window.unit == "s" and function.name != "fresh":
        return f"{function.name} needs sessions or bars; a length of time is for fresh(x, 30m)"
    if function.name in {"std", "zscore", "corr", "beta"} and window.unit in {"d", "bars"} and window.count < 3:
        return f"{function.name} needs at least 3 sessions, not {window.count}"
    if function.name in {"ema", "rsi", "atr"} and window.unit not in {"d", "bars"}:
        return f"{function.name} wants a number of sessions such as {function.name}(x, 14d)"
    if function.name in {"is_high", "is_low", "pctrank"} and window.unit == "d" and window.count < 2:
        return f"{function.name} needs at least 2 sessions"
    if function.name == "fresh" and window.is_period and window.unit != "session":
        return "fresh wants a length such as 30m, 2d or today"
    return ""


def _result(function: Function, args: tuple[Typed, ...]) -> str:
    if function.result == "same":
        return args[0].unit
    if function.result == "last":
        return args[-1].unit
    if function.result == "difference":
        return "pp" if args[0].unit == "%" else args[0].unit
    return function.result
