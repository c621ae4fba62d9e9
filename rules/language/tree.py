"""The expression tree. Every node knows its offset in the text and writes itself back in one canonical way."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

_SCALES = {"%": 100.0, "pp": 100.0, "bp": 10_000.0}


@dataclass(frozen=True, slots=True)
class Number:
    """A literal in its base unit: ``2%`` is 0.02 with unit ``%``, ``5bn USD`` is 5e9 with unit ``USD``.

    ``unit`` is ``""``, ``%``, ``bp``, ``pp``, ``d`` (sessions), ``bars``, ``w``, ``mo``, ``y``, ``s`` or a currency.
    """

    value: float
    unit: str = ""
    offset: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)

    def __str__(self) -> str:
        text = f"{self.value * _SCALES.get(self.unit, 1.0):.15g}"
        return f"{text} {self.unit}" if len(self.unit) > 2 else f"{text}{self.unit}"


@dataclass(frozen=True, slots=True)
class Name:
    """A name: an instrument, a series, a set such as ``universe.ai``, a window word, a macro or ``it``."""

    name: str
    offset: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)

    def __str__(self) -> str:
        plain = all(part.isidentifier() for part in self.name.split("."))
        return self.name if plain else f'"{self.name}"'


@dataclass(frozen=True, slots=True)
class Call:
    """A function with its arguments."""

    function: str
    args: tuple[Node, ...]
    offset: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"{self.function}({', '.join(map(str, self.args))})"


@dataclass(frozen=True, slots=True)
class Unary:
    """``-x`` or ``not x``."""

    op: str
    operand: Node
    offset: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"(not {self.operand})" if self.op == "not" else f"({self.op}{self.operand})"


@dataclass(frozen=True, slots=True)
class Binary:
    """Arithmetic, comparison or ``and``/``or``; ``at`` is the offset of the operator."""

    op: str
    left: Node
    right: Node
    offset: int = field(default=0, compare=False)
    end: int = field(default=0, compare=False)
    at: int = field(default=0, compare=False)

    def __str__(self) -> str:
        return f"({self.left} {self.op} {self.right})"


Node = Number | Name | Call | Unary | Binary


def children(node: Node) -> tuple[Node, ...]:
    """The direct parts of ``node``, left to right."""
    if isinstance(node, Binary):
        return (node.left, node.right)
    if isinstance(node, Unary):
        return (node.operand,)
    return node.args if isinstance(node, Call) else ()


def walk(node: Node) -> Iterator[Node]:
    """Every node of the tree, parents first."""
    yield node
    for child in children(node):
        yield from walk(child)
