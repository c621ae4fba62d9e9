"""The rules that run, and what their files say now: a bad file never replaces the rules that run."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from rules.calendars.sessions import Calendars
from rules.engine import Engine
from rules.evaluation.program import Program
from rules.loading.check import uncompilable
from rules.loading.loader import Loaded, load_packs, pack_files
from rules.spec import RuleSpec
from rules.universe import Universe


@dataclass(frozen=True, slots=True)
class Difference:
    """Rules by id that are new, gone, or say something else than before."""

    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]

    @property
    def is_empty(self) -> bool:
        """Whether nothing would change."""
        return not (self.added or self.removed or self.changed)


def difference(old: Sequence[RuleSpec], new: Sequence[RuleSpec]) -> Difference:
    """What going from ``old`` to ``new`` changes; where a rule stands in its file doesn't count."""
    before, after = ({spec.id: spec for spec in specs} for specs in (old, new))
    same = [name for name in before if name in after]
    return Difference(
        added=tuple(name for name in after if name not in before),
        removed=tuple(name for name in before if name not in after),
        changed=tuple(name for name in same if _meaning(before[name]) != _meaning(after[name])),
    )


def _meaning(spec: RuleSpec) -> tuple[object, ...]:
    return tuple(getattr(spec, name) for name in spec.__slots__ if name not in {"file", "line"})


def _files(path: Path) -> Sequence[Path]:
    try:
        return pack_files(path)
    except OSError:
        return [path]


def mark_of(rules: Sequence[RuleSpec]) -> str:
    """Names ``rules`` as they were read: the same for the same rules within a process."""
    return hashlib.sha256(repr(tuple(rules)).encode()).hexdigest()


class RuleBook:
    """The packs at ``paths``, read when asked. ``changed`` is awaited with the rules that are to run from now on."""

    def __init__(
        self,
        paths: Sequence[Path],
        universe: Universe,
        changed: Callable[[Sequence[RuleSpec]], Awaitable[None]],
    ) -> None:
        self._paths = tuple(paths)
        self._universe = universe
        self._changed = changed
        self.current: Loaded = self.read()
        self._compiled: tuple[Loaded, Sequence[Program]] | None = None

    @property
    def files(self) -> Sequence[Path]:
        """Every file that there is to read now; a path that isn't there or can't be read stands for itself."""
        return [file for path in self._paths for file in _files(path)]

    @property
    def rules(self) -> Sequence[RuleSpec]:
        """The rules that run."""
        return self.current.rules

    def programs(self, calendars: Calendars) -> Sequence[Program]:
        """The rules that run, compiled: once for as long as they are the same."""
        if self._compiled is None or self._compiled[0] is not self.current:
            self._compiled = (self.current, Engine(list(self.rules), self._universe, calendars).programs)
        return self._compiled[1]

    def read(self) -> Loaded:
        """What the files say now, and every mistake that would keep it from running; nothing changes by it."""
        loaded = load_packs(self._paths, self._universe)
        found = (*loaded.problems, *uncompilable(loaded, self._universe))
        return replace(loaded, problems=tuple(sorted(set(found))))

    async def use(self, loaded: Loaded) -> None:
        """Run ``loaded`` from now on; raise ``ValueError`` where it has mistakes."""
        if not loaded.ok:
            raise ValueError(f"{len(loaded.errors)} mistakes must be put right first")
        await self._changed(loaded.rules)
        self.current = loaded
