"""YAML 1.2 with positions: files become nodes that know their line and column; every slip is a located problem.

Stricter than PyYAML: ``on``, ``NO`` and ``16:30`` are texts, a key stands once, and there are no tags. Aliases and
merges work but can't blow a file up. Reading never raises for what a file holds.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, overload

import yaml

from rules.loading.yaml_positions import character_offsets
from rules.problems import Problem

MAX_BYTES = 10_000_000
MAX_DEPTH = 40
MAX_ALIASES = 1_000
MAX_ALIASED_NODES = 20_000

_UNWANTED = re.compile("[^\t\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]")
_MARKS = frozenset(("'", '"', "|", ">"))
_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_TRUE = frozenset(("true", "True", "TRUE"))
_FALSE = frozenset(("false", "False", "FALSE"))
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")

_Event = Any  # the stubs leave an event's marks optional and its own attributes out

Plain = None | bool | int | float | str


class Source:
    """A file's name and text, with the way from an offset to line and column."""

    def __init__(self, file: str, text: str) -> None:
        self.file = file
        self.text = text

    @cached_property
    def _starts(self) -> list[int]:
        return [0, *(match.end() for match in re.finditer("\r\n?|\n", self.text))]

    def locate(self, offset: int) -> tuple[int, int]:
        """Line and column, from 1, of the character at ``offset``."""
        line = bisect_right(self._starts, offset)
        return line, offset - self._starts[line - 1] + 1


@dataclass(slots=True, eq=False)
class Scalar:
    """One text as written, from offset ``start`` to ``end``; ``style`` is ``None`` when plain, else its first mark."""

    source: Source
    start: int
    line: int
    column: int
    value: str
    style: str | None
    end: int

    @property
    def resolved(self) -> Plain:
        """What YAML 1.2's core schema makes of it; a quoted scalar is always a text."""
        return self.value if self.style is not None else resolve(self.value)

    @property
    def positions(self) -> Positions:
        """Line and column of each character of ``value`` and of its end."""
        return Positions(self)


@dataclass(slots=True, eq=False)
class Items:
    """A sequence."""

    source: Source
    start: int
    line: int
    column: int
    items: tuple[Node, ...]


@dataclass(slots=True, eq=False)
class Mapping:
    """A mapping by key, in file order; keys are texts and stand once."""

    source: Source
    start: int
    line: int
    column: int
    entries: dict[str, tuple[Scalar, Node]]

    def get(self, key: str) -> Node | None:
        """The value of ``key``, ``None`` if there is none."""
        entry = self.entries.get(key)
        return entry[1] if entry else None


Node = Scalar | Items | Mapping


class Positions(Sequence[tuple[int, int]]):
    """The place of each character of a scalar and of its end, worked out when first asked for."""

    def __init__(self, scalar: Scalar) -> None:
        self._scalar = scalar

    @cached_property
    def _places(self) -> list[tuple[int, int]]:
        scalar = self._scalar
        source = scalar.source
        offsets = character_offsets(source.text[scalar.start : scalar.end], scalar.style, scalar.value)
        last = offsets[-1] if offsets else 0
        end = scalar.end - scalar.start
        offsets.append(end if scalar.style is None else end - 1 if scalar.style in ("'", '"') else last)
        return [source.locate(scalar.start + offset) for offset in offsets]

    def __len__(self) -> int:
        return len(self._scalar.value) + 1

    @overload
    def __getitem__(self, index: int) -> tuple[int, int]: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[tuple[int, int]]: ...
    def __getitem__(self, index: int | slice) -> tuple[int, int] | Sequence[tuple[int, int]]:
        return self._places[index]


def resolve(text: str) -> Plain:
    """A plain scalar by YAML 1.2's core schema; infinities and NaN stay texts."""
    if text in _NULL:
        return None
    if text in _TRUE or text in _FALSE:
        return text in _TRUE
    if text[0] not in "+-.0123456789":
        return text
    if _INT.fullmatch(text):
        return int(text, 0) if text[:2] in ("0o", "0x") else _integer(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def _integer(text: str) -> int | float:
    return int(text) if len(text) < 4_000 else float(text)


def read(file: str, content: bytes | str) -> tuple[Node | None, list[Problem]]:
    """Parse one file; ``None`` for an empty or unreadable one. Duplicate keys and the like leave a usable node."""
    text, problem = _decoded(file, content)
    if problem:
        return None, [problem]
    composer = _Composer(Source(file, text))
    try:
        return composer.document(), composer.problems
    except _Unreadable as failure:
        return None, [*composer.problems, failure.problem]


class _Unreadable(Exception):
    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        super().__init__(str(problem))


def _decoded(file: str, content: bytes | str) -> tuple[str, Problem | None]:
    raw = content if isinstance(content, bytes) else content.encode("utf-8", "surrogatepass")
    if len(raw) > MAX_BYTES:
        said = f"the file has more than {MAX_BYTES:,} bytes; wanted at most that"
        return "", Problem(file, 1, 1, "file-too-large", said)
    try:
        text = raw.decode("utf-8").removeprefix("\ufeff")
    except UnicodeDecodeError as error:
        line, column = Source(file, raw[: error.start].decode("utf-8")).locate(len(raw[: error.start].decode("utf-8")))
        return "", Problem(
            file, line, column, "encoding", f"byte 0x{raw[error.start]:02X} isn't UTF-8; save it as UTF-8"
        )
    found = _UNWANTED.search(text)
    if found:
        line, column = Source(file, text).locate(found.start())
        return "", Problem(file, line, column, "character", f"character U+{ord(found[0]):04X} is not allowed in a file")
    return text, None


class _Composer:
    """Builds nodes from the C parser's events, without recursion on the file's behalf beyond ``MAX_DEPTH``."""

    def __init__(self, source: Source) -> None:
        self.source = source
        self.problems: list[Problem] = []
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._aliases = 0
        self._aliased = 0

    def document(self) -> Node | None:
        events = self._events()
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                break
        else:
            return None
        root, _ = self._node(next(events), events, 0)
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                self._say(event, "several-documents", "a second document starts here; wanted one a file")
                break
        return None if isinstance(root, Scalar) and root.resolved is None else root

    def _events(self) -> Iterator[_Event]:
        parser = yaml.CBaseLoader(self.source.text)
        try:
            event = parser.get_event()
            while type(event) is not yaml.StreamEndEvent:
                yield event
                event = parser.get_event()
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
            raise _Unreadable(self._syntax(line, column, error)) from None
        except (yaml.YAMLError, ValueError) as error:
            raise _Unreadable(Problem(self.source.file, 1, 1, "syntax", f"not YAML: {error}")) from None
        finally:
            parser.dispose()

    def _syntax(self, line: int, column: int, error: yaml.MarkedYAMLError) -> Problem:
        said = str(error.problem or error.context or "not YAML")
        text = self.source.text.splitlines()[line - 1 : line]
        if text and text[0][column - 1 : column] == "\t":
            return Problem(self.source.file, line, column, "tab", "a tab can't indent; wanted spaces")
        advice = ""
        if "mapping values are not allowed" in said:
            advice = "; quote a text that contains ': '"
        elif "could not find expected ':'" in said:
            advice = "; a key needs a colon and a space after it"
        return Problem(self.source.file, line, column, "syntax", f"not YAML: {said}{advice}")

    def _node(self, event: _Event, events: Iterator[_Event], depth: int) -> tuple[Node, int]:
        kind = type(event)
        if depth > MAX_DEPTH:
            raise self._fatal(event, "too-deep", f"nested more than {MAX_DEPTH} levels deep")
        if kind is yaml.AliasEvent:
            return self._alias(event)
        if event.tag is not None and event.tag != "!":
            self._say(event, "tag", f"tag {event.tag!r} is not allowed; write the value alone")
        mark = event.start_mark
        node: Node
        if kind is yaml.ScalarEvent:
            size, style = 1, event.style if event.style in _MARKS else None
            node = Scalar(
                self.source, mark.index, mark.line + 1, mark.column + 1, event.value, style, event.end_mark.index
            )
        elif kind is yaml.SequenceStartEvent:
            items, size = self._items(events, depth)
            node = Items(self.source, mark.index, mark.line + 1, mark.column + 1, items)
        else:
            entries, size = self._entries(events, depth)
            node = Mapping(self.source, mark.index, mark.line + 1, mark.column + 1, entries)
        if event.anchor is not None:
            self._anchors[event.anchor] = (node, size)
        return node, size

    def _items(self, events: Iterator[_Event], depth: int) -> tuple[tuple[Node, ...], int]:
        items, size = [], 1
        for event in events:
            if type(event) is yaml.SequenceEndEvent:
                break
            node, weight = self._node(event, events, depth + 1)
            items.append(node)
            size += weight
        return tuple(items), size

    def _entries(self, events: Iterator[_Event], depth: int) -> tuple[dict[str, tuple[Scalar, Node]], int]:
        entries: dict[str, tuple[Scalar, Node]] = {}
        merges: list[Node] = []
        size = 1
        for event in events:
            if type(event) is yaml.MappingEndEvent:
                break
            key, _ = self._node(event, events, depth + 1)
            node, weight = self._node(next(events), events, depth + 1)
            size += weight + 1
            if not isinstance(key, Scalar):
                self._say(event, "key", "a key must be a text")
            elif key.value == "<<" and key.style is None:
                merges.append(node)
            elif key.value in entries:
                first = entries[key.value][0]
                self._say(event, "duplicate-key", f"key {key.value!r} stands already in line {first.line}; keep one")
            else:
                entries[key.value] = (key, node)
        for merge in merges:
            self._merge(entries, merge)
        return entries, size

    def _merge(self, entries: dict[str, tuple[Scalar, Node]], merge: Node) -> None:
        for node in merge.items if isinstance(merge, Items) else (merge,):
            if isinstance(node, Mapping):
                for key, entry in node.entries.items():
                    entries.setdefault(key, entry)
            else:
                said = "'<<' merges mappings; wanted an alias of one such as '<<: *name'"
                self.problems.append(Problem(self.source.file, node.line, node.column, "merge", said))

    def _alias(self, event: _Event) -> tuple[Node, int]:
        target = self._anchors.get(event.anchor)
        if target is None:
            raise self._fatal(
                event, "alias", f"alias *{event.anchor} has no anchor &{event.anchor} that ends before it"
            )
        self._aliases += 1
        self._aliased += target[1]
        if self._aliases > MAX_ALIASES or self._aliased > MAX_ALIASED_NODES:
            raise self._fatal(
                event, "alias-bomb", f"aliases stand for more than {MAX_ALIASED_NODES:,} values; write fewer of them"
            )
        return target

    def _say(self, event: _Event, code: str, message: str) -> None:
        self.problems.append(self._fatal(event, code, message).problem)

    def _fatal(self, event: _Event, code: str, message: str) -> _Unreadable:
        mark = event.start_mark
        return _Unreadable(Problem(self.source.file, mark.line + 1, mark.column + 1, code, message))
