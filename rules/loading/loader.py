"""Rule packs from YAML: every rule of every file, and every mistake of all of them in one run."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from rules.evaluation import collector
from rules.language.scope import Scope
from rules.loading.fields import Report
from rules.loading.pack_checks import check_macros, check_rule
from rules.loading.pack_rules import DEFAULT_KEYS, Draft, PackNames, read_macros, read_rule, read_series
from rules.loading.pack_tests import TestSpec, read_test
from rules.loading.yaml_source import MAX_BYTES, Mapping, Node, read
from rules.problems import Problem, nearest
from rules.spec import RuleSpec
from rules.universe import Universe

PACKS = Path(__file__).parents[1] / "packs"
"""The packs that come with Tapewatch."""

PACK_KEYS = ("version", "series", "defaults", "macros", "rules", "tests")


@dataclass(frozen=True, slots=True)
class PackText:
    """A pack's file name, for messages, and its content."""

    file: str
    content: bytes | str


@dataclass(frozen=True, slots=True)
class Loaded:
    """The rules and tests that can be used, in file order, and everything that is wrong."""

    rules: tuple[RuleSpec, ...]
    tests: tuple[TestSpec, ...]
    problems: tuple[Problem, ...]

    @property
    def errors(self) -> tuple[Problem, ...]:
        """The problems that are more than doubts."""
        return tuple(problem for problem in self.problems if not problem.warning)

    @property
    def ok(self) -> bool:
        """Whether nothing has to be put right before the rules can run."""
        return not self.errors


def read_packs(paths: Iterable[Path]) -> tuple[tuple[PackText, ...], tuple[Problem, ...]]:
    """Read files, and of folders every ``*.yaml`` and ``*.yml`` in them; what can't be read is a problem."""
    texts: list[PackText] = []
    problems: list[Problem] = []
    for path in paths:
        try:
            texts.extend(_read_path(path))
        except OSError as error:
            said = f"can't be read: {error.strerror or error}"
            problems.append(Problem(str(path), 1, 1, "unreadable", said))
    return tuple(texts), tuple(problems)


def pack_files(path: Path) -> list[Path]:
    """``path`` itself, or of a folder every pack in it, sorted; raise ``OSError`` for a folder that can't be read."""
    if not path.is_dir():
        return [path]
    inside = (Path(folder) / name for folder, _, names in os.walk(path, onerror=_raise) for name in names)
    return sorted(file for file in inside if file.suffix in {".yaml", ".yml"} and file.is_file())


def _raise(error: OSError) -> None:
    raise error


def _read_path(path: Path) -> list[PackText]:
    texts = []
    for file in pack_files(path):
        with file.open("rb") as stream:
            texts.append(PackText(str(file), stream.read(MAX_BYTES + 1)))
    return texts


def load_packs(packs: Iterable[Path | PackText], universe: Universe) -> Loaded:
    """Load files, folders and texts together. Rules with an error are left out; never raises for what a file holds."""
    packs = tuple(packs)
    problems: list[Problem] = []
    texts: list[PackText] = []
    for pack in packs:
        if isinstance(pack, PackText):
            texts.append(pack)
        else:
            found, unreadable = read_packs((pack,))
            texts.extend(found)
            problems.extend(unreadable)
    return _Loader(universe, problems).load(texts)


class _Loader:
    def __init__(self, universe: Universe, problems: list[Problem]) -> None:
        self.report = Report()
        self.report.problems.extend(problems)
        self.scope = Scope(universe)
        self.drafts: dict[str, Draft] = {}
        self.usable: list[RuleSpec] = []
        self.tests: list[TestSpec] = []

    def load(self, texts: Iterable[PackText]) -> Loaded:
        """Read every text, then look at what concerns them all."""
        with collector.paused():
            for text in texts:
                self._guarded(text)
        tests = tuple(test for test in self.tests if self._check_test(test))
        return Loaded(tuple(self.usable), tests, tuple(sorted(set(self.report.problems))))

    def _guarded(self, text: PackText) -> None:
        try:
            self._pack(text)
        except RecursionError:
            self.report.problems.append(Problem(text.file, 1, 1, "too-deep", "something is nested too deep to be read"))

    def _pack(self, text: PackText) -> None:
        node, problems = read(text.file, text.content)
        self.report.problems.extend(problems)
        table = self.report.table(node, "a pack", PACK_KEYS) if node else None
        if table is None:
            return
        if table.text("version") != "1":
            at = table.at("version") or table.node
            self.report.say(at, "version", "a pack starts with `version: 1`")
        defaults = table.at("defaults")
        self.report.table(defaults, "'defaults'", DEFAULT_KEYS)
        names = PackNames(
            defaults if isinstance(defaults, Mapping) else None,
            read_series(table.at("series"), self.report),
            read_macros(table.at("macros"), self.report),
        )
        wrong = check_macros(names.macros, names.series, self.scope)
        self.report.problems.extend(wrong.values())
        for item in self.report.items(table.at("rules"), "'rules'"):
            self._rule(item, names, frozenset(wrong))
        read_tests = (read_test(item, self.report) for item in self.report.items(table.at("tests"), "'tests'"))
        self.tests.extend(test for test in read_tests if test is not None)

    def _rule(self, node: Node, names: PackNames, broken: frozenset[str]) -> None:
        before = len(self.report.problems)
        draft = read_rule(node, names, self.report)
        if draft is None:
            return
        first = self.drafts.setdefault(draft.spec.id, draft)
        if first is not draft:
            where = f"{first.spec.file}:{first.id.line}"
            self.report.say(draft.id, "duplicate-id", f"{draft.spec.id!r} stands already in {where}; an id stands once")
        found, usable = check_rule(draft, self.scope, broken)
        self.report.problems.extend(found)
        if usable and all(problem.warning for problem in self.report.problems[before:]):
            self.usable.append(draft.spec)

    def _check_test(self, test: TestSpec) -> bool:
        draft = self.drafts.get(test.rule)
        if draft is None:
            said = f"there is no rule {test.rule!r} to test"
            self.report.say(test.at["rule"], "unknown-rule", said, nearest(test.rule, self.drafts))
            return False
        names = (name for name in test.data if not self._is_series(name, draft.spec))
        unknown = False
        for name in names:
            unknown = True
            known = [*draft.spec.series, *self.scope.universe.names]
            at = test.at[f"data.{name}"]
            self.report.say(at, "unknown-name", f"nothing is called {name!r}", nearest(name, known))
        return not unknown

    def _is_series(self, name: str, spec: RuleSpec) -> bool:
        return name in spec.series or self.scope.universe.resolve(name) is not None or name.count(".") >= 2
