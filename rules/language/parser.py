"""Tokens to a tree, by precedence climbing. Depth and size are bounded, so hostile text costs little."""

from __future__ import annotations

from functools import lru_cache

from rules.language.errors import ExpressionError
from rules.language.lexer import Token, tokenize
from rules.language.tree import Binary, Call, Name, Node, Number, Unary

MAX_NODES = 300
MAX_DEPTH = 40

_POWER = {"or": 1, "and": 2, "<": 4, "<=": 4, ">": 4, ">=": 4, "==": 4, "!=": 4, "+": 5, "-": 5, "*": 6, "/": 6}
_NOT, _COMPARE, _NEGATE = 3, 4, 7
_SHORT = 200  # what is longer is rare, and could be used to fill the memory
_KEYWORDS = frozenset({"and", "or", "not"})


def parse(text: str) -> Node:
    """Read an expression; raise ``ExpressionError`` when it is not one. Short texts are remembered."""
    return _remembered(text) if len(text) <= _SHORT else _parsed(text)


def _parsed(text: str) -> Node:
    return _Parser(tokenize(text)).whole()


_remembered = lru_cache(maxsize=4_096)(_parsed)


class _Parser:
    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0
        self._nodes = 0
        self._depth = 0

    def whole(self) -> Node:
        if self._peek().kind == "end":
            raise ExpressionError(0, "empty", "the expression is empty; wanted a condition such as ret(BTC, 1d) <= -5%")
        node = self._expression(0)
        rest = self._peek()
        if rest.kind != "end":
            raise ExpressionError(rest.offset, "syntax", f"{_shown(rest)} is not expected here; {_wanted(rest)}")
        return node

    def _peek(self) -> Token:
        return self._tokens[self._at]

    def _next(self) -> Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _expect(self, text: str, message: str) -> Token:
        token = self._peek()
        if token.kind != "op" or token.text != text:
            raise ExpressionError(token.offset, "syntax", f"{message}, found {_shown(token)}")
        return self._next()

    def _counted(self, node: Node) -> Node:
        self._nodes += 1
        if self._nodes > MAX_NODES:
            message = f"the expression has more than {MAX_NODES} parts; split it into macros or rules"
            raise ExpressionError(self._peek().offset, "too-many-nodes", message)
        return node

    def _expression(self, power: int) -> Node:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            message = f"the expression is nested more than {MAX_DEPTH} levels deep"
            raise ExpressionError(self._peek().offset, "too-deep", message)
        left = self._prefix()
        while (binding := self._binding()) > power:
            left = self._infix(left, binding)
        self._depth -= 1
        return left

    def _binding(self) -> int:
        token = self._peek()
        return _POWER.get(token.text, 0) if token.kind in {"op", "name"} else 0

    def _infix(self, left: Node, binding: int) -> Node:
        operator = self._next()
        right = self._expression(binding)
        if binding == _COMPARE and self._binding() == _COMPARE:
            message = "a comparison can't be chained; write a < x and x < b"
            raise ExpressionError(self._peek().offset, "chained-comparison", message)
        node = Binary(operator.text, left, right, left.offset, right.end, operator.offset)
        return self._counted(node)

    def _prefix(self) -> Node:
        token = self._next()
        if token.kind == "number":
            return self._counted(Number(token.value, token.unit, token.offset, token.end))
        if token.kind == "quoted":
            return self._counted(Name(token.text, token.offset, token.end))
        if token.kind == "name" and token.text == "not":
            return self._unary("not", token, _NOT)
        if token.kind == "name" and token.text not in _KEYWORDS:
            return self._name(token)
        if token.text == "-":
            return self._unary("-", token, _NEGATE)
        if token.text == "(":
            inner = self._expression(0)
            self._expect(")", "wanted ) to close the bracket")
            return inner
        raise ExpressionError(token.offset, "syntax", f"wanted a value, found {_shown(token)}")

    def _unary(self, op: str, token: Token, power: int) -> Node:
        operand = self._expression(power)
        if op == "-" and isinstance(operand, Number):
            return Number(-operand.value, operand.unit, token.offset, operand.end)
        return self._counted(Unary(op, operand, token.offset, operand.end))

    def _name(self, token: Token) -> Node:
        if self._peek().text != "(" or self._peek().kind != "op":
            return self._counted(Name(token.text, token.offset, token.end))
        self._at += 1
        args: list[Node] = []
        while (following := self._tokens[self._at]).text != ")" or following.kind != "op":
            args.append(self._expression(0))
            if self._tokens[self._at].text != ",":
                break
            self._at += 1
        close = self._expect(")", f"wanted , or ) in the call of {token.text}")
        return self._counted(Call(token.text, tuple(args), token.offset, close.end))


def _shown(token: Token) -> str:
    return "the end" if token.kind == "end" else repr(token.text)


def _wanted(token: Token) -> str:
    if token.text == ")":
        return "there is no bracket to close"
    return "wanted an operator such as <= or and"
