"""``tapewatch check``: every mistake of packs, in one run."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rules.evaluation.program import compile_rule
from rules.language.scope import Scope
from rules.loading.loader import Loaded, PackText, load_packs, pack_files
from rules.problems import Problem, ProblemsFound
from rules.universe import Universe


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found. ``rules`` and ``tests`` count what can be used."""

    problems: tuple[Problem, ...]
    rules: int = 0
    tests: int = 0

    @property
    def ok(self) -> bool:
        """Whether there are no mistakes; doubts don't count."""
        return all(problem.warning for problem in self.problems)

    def to_json(self) -> dict[str, Any]:
        """``{"ok", "problems": [{"file", "line", "column", "code", "message", "suggestion"}]}``."""
        return {"ok": self.ok, "problems": [_plain(problem) for problem in self.problems]}


def check(packs: Iterable[Path | PackText], universe: Universe) -> Checked:
    """Load and compile packs; never raises for what a file holds."""
    packs = tuple(packs)
    loaded = load_packs(packs, universe)
    found = {*loaded.problems, *uncompilable(loaded, universe), *without_packs(packs)}
    return Checked(tuple(sorted(found)), len(loaded.rules), len(loaded.tests))


def without_packs(packs: Iterable[Path | PackText]) -> Iterable[Problem]:
    """Folders in which there is nothing to read."""
    for folder in packs:
        if isinstance(folder, Path) and folder.is_dir() and not pack_files(folder):
            said = "there are no rule packs in this folder; a pack is a file that ends in .yaml or .yml"
            yield Problem(str(folder), 1, 1, "no-packs", said)


def uncompilable(loaded: Loaded, universe: Universe) -> Iterable[Problem]:
    """What only compiling the rules finds."""
    scope = Scope(universe)
    for rule in loaded.rules:
        try:
            compile_rule(rule, scope)
        except ProblemsFound as problems:
            yield from problems.problems


def _plain(problem: Problem) -> dict[str, Any]:
    return {
        "file": problem.file,
        "line": problem.line,
        "column": problem.column,
        "code": problem.code,
        "message": f"{'warning: ' if problem.warning else ''}{problem.message}",
        "suggestion": problem.suggestion,
    }
