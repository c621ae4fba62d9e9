"""The expression language: text to tree, names to meanings, and what is wrong with either."""

from rules.language.analysis import Analysis, analyse
from rules.language.errors import ExpressionError, Finding
from rules.language.parser import parse
from rules.language.scope import Ref, Scope
from rules.language.tree import Binary, Call, Name, Node, Number, Unary, children, walk
from rules.language.typed import Typed, Window

__all__ = [
    "Analysis",
    "Binary",
    "Call",
    "ExpressionError",
    "Finding",
    "Name",
    "Node",
    "Number",
    "Ref",
    "Scope",
    "Typed",
    "Unary",
    "Window",
    "analyse",
    "children",
    "parse",
    "walk",
]
