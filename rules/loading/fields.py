"""Typed reading of a mapping from a file. What is wrong becomes a located problem, and reading goes on."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from enum import StrEnum
from functools import lru_cache
from typing import TypeVar

from rules.loading.yaml_source import Items, Mapping, Node, Scalar
from rules.model import Localized
from rules.problems import Problem, nearest

T = TypeVar("T")
E = TypeVar("E", bound=StrEnum)


def kind_of(node: Node) -> str:
    """What a node is, in words."""
    if isinstance(node, Scalar):
        return "nothing" if node.resolved is None else f"{node.value!r}" if len(node.value) < 30 else "a text"
    return "a list" if isinstance(node, Items) else "a mapping"


class Report:
    """Collects the problems of files."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []

    def say(self, node: Node, code: str, message: str, suggestion: str = "") -> None:
        """Note a mistake at the start of ``node``."""
        self.problems.append(Problem(node.source.file, node.line, node.column, code, message, suggestion))

    def table(self, node: Node | None, what: str, known: Iterable[str]) -> Table | None:
        """Read ``node`` as a mapping with ``known`` keys only; ``None`` (and a problem) if it is no mapping."""
        if not isinstance(node, Mapping):
            if node is not None:
                self.say(node, "wrong-type", f"{what} must be a mapping, not {kind_of(node)}")
            return None
        allowed = tuple(known)
        for key, (scalar, _) in node.entries.items():
            if key not in allowed:
                guess = nearest(key, allowed)
                known_keys = "" if guess else f"; there are {', '.join(allowed)}"
                self.say(scalar, "unknown-key", f"{what} has no key {key!r}{known_keys}", guess)
        return Table(self, node)

    def items(self, node: Node | None, what: str) -> tuple[Node, ...]:
        """The members of a list; empty (and a problem) if it is none."""
        if isinstance(node, Items):
            return node.items
        if node is not None and not (isinstance(node, Scalar) and node.resolved is None):
            self.say(node, "wrong-type", f"{what} must be a list, not {kind_of(node)}")
        return ()

    def text(self, node: Node, what: str) -> str | None:
        """A scalar's text."""
        if isinstance(node, Scalar) and (node.style is not None or node.resolved is not None):
            return node.value
        self.say(node, "wrong-type", f"{what} must be a text, not {kind_of(node)}")
        return None


@lru_cache(maxsize=64)
def _words_of(kind: type[StrEnum], leave_out: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(member.value for member in kind if member.value not in leave_out)


class Table:
    """One mapping. Each method reads a key, reports what is wrong with its value and returns the default then."""

    def __init__(self, report: Report, node: Mapping) -> None:
        self.report = report
        self.node = node

    def __contains__(self, key: str) -> bool:
        return key in self.node.entries

    def at(self, key: str) -> Node | None:
        """The value of ``key`` as it stands."""
        return self.node.get(key)

    def scalar(self, key: str) -> Scalar | None:
        """The value of ``key`` if it is a text."""
        if key not in self.node.entries:
            return None
        node = self.node.entries[key][1]
        text = self.report.text(node, repr(key))
        return node if text is not None and isinstance(node, Scalar) else None

    def text(self, key: str, default: str = "") -> str:
        """A text."""
        found = self.scalar(key)
        return default if found is None else found.value

    def required(self, key: str, what: str) -> Scalar | None:
        """A text that must be there."""
        if self.at(key) is None:
            self.report.say(self.node, "missing-key", f"{what} has no {key!r}")
            return None
        return self.scalar(key)

    def parsed(self, key: str, read: Callable[[str], T], default: T, code: str = "bad-value") -> T:
        """A text that ``read`` understands; its ``ValueError`` is the problem's message."""
        found = self.scalar(key)
        if found is None:
            return default
        try:
            return read(found.value.strip())
        except ValueError as error:
            self.report.say(found, code, f"{key}: {error}")
            return default

    def choice(self, key: str, kind: type[E], default: E | None, leave_out: tuple[str, ...] = ()) -> E | None:
        """One of an enumeration's words."""
        found = self.scalar(key)
        if found is None:
            return default
        words = _words_of(kind, leave_out)
        if found.value in words:
            return kind(found.value)
        wanted = f"{key} is one of {', '.join(words)}, not {found.value!r}"
        self.report.say(found, "unknown-word", wanted, nearest(found.value, words))
        return default

    def flag(self, key: str, *, default: bool) -> bool:
        """``true`` or ``false``."""
        node = self.at(key)
        if node is None:
            return default
        if isinstance(node, Scalar) and isinstance(node.resolved, bool):
            return node.resolved
        self.report.say(node, "wrong-type", f"{key!r} must be true or false, not {kind_of(node)}")
        return default

    def words(self, key: str) -> tuple[str, ...]:
        """A list of texts, or one text."""
        node = self.at(key)
        if node is None:
            return ()
        if isinstance(node, Scalar) and node.resolved is not None:
            return (node.value,)
        read = (self.report.text(item, f"a member of {key!r}") for item in self.report.items(node, repr(key)))
        return tuple(text for text in read if text is not None)

    def pairs(self, key: str) -> dict[str, Scalar]:
        """A mapping of texts to texts."""
        node = self.at(key)
        if node is None:
            return {}
        if not isinstance(node, Mapping):
            self.report.say(node, "wrong-type", f"{key!r} must be a mapping, not {kind_of(node)}")
            return {}
        found = {}
        for name, (_, value) in node.entries.items():
            if self.report.text(value, f"{key!r}: {name!r}") is not None and isinstance(value, Scalar):
                found[name] = value
        return found

    def both(self, key: str) -> dict[str, Scalar] | None:
        """A text for both languages, or ``{en: …, zh: …}``; by language as written."""
        node = self.at(key)
        if node is None:
            return None
        if isinstance(node, Mapping):
            self.report.table(node, repr(key), ("en", "zh"))
            found = {lang: scalar for lang, scalar in self.pairs(key).items() if lang in ("en", "zh")}
            if not node.entries:
                self.report.say(node, "missing-key", f"{key!r} has neither en nor zh")
            return found or None
        return {"en": node} if self.report.text(node, repr(key)) is not None and isinstance(node, Scalar) else None

    def localized(self, key: str) -> Localized | None:
        """The same as ``Localized``: a language that is missing takes the other's text."""
        found = self.both(key)
        return None if found is None else localized(found)


def localized(written: dict[str, Scalar]) -> Localized:
    """Both languages from one or two."""
    other = next(iter(written.values()))
    return {"en": written.get("en", other).value, "zh": written.get("zh", other).value}
