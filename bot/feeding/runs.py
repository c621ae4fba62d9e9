"""The last run of each job, kept in the commit that keeps what it brought."""

from __future__ import annotations

import json
from dataclasses import dataclass
from datetime import datetime

from adapters.feeds.port import Fetched
from adapters.store.port import Documents

COLLECTION = "jobs"


@dataclass(frozen=True, slots=True)
class Run:
    """One run of ``job``: when, how many figures and dated events it brought, and of how many faults it told."""

    job: str
    at: datetime
    brought: int = 0
    problems: int = 0

    @property
    def document(self) -> str:
        """The run as it is kept."""
        return json.dumps({"last_run": self.at.isoformat(), "brought": self.brought, "problems": self.problems})


def run_of(job: str, at: datetime, fetched: Fetched) -> Run:
    """The run of ``job`` at ``at`` that ended with ``fetched``."""
    return Run(job, at, len(fetched.observations) + len(fetched.events), len(fetched.problems))


async def last_run(documents: Documents, job: str) -> Run | None:
    """The last run of ``job``; ``None`` if it never ran."""
    text = await documents.get(COLLECTION, job)
    return _read(job, text) if text else None


async def newest_run(documents: Documents) -> Run | None:
    """Of the last runs of all jobs the newest one; ``None`` if none ever ran."""
    runs = [_read(job, text) for job, text in (await documents.all(COLLECTION)).items()]
    return max(runs, key=lambda run: run.at, default=None)


def _read(job: str, text: str) -> Run:
    found = json.loads(text)
    return Run(job, datetime.fromisoformat(found["last_run"]), found.get("brought", 0), found.get("problems", 0))
