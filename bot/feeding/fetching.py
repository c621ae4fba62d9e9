"""What ``tapewatch fetch FEED`` prints."""

from __future__ import annotations

from typing import Any

from adapters.feeds.port import FeedProblem, Fetched
from rules.model import CalendarEvent, Observation


def fetch_document(feed: str, fetched: Fetched) -> dict[str, Any]:
    """The JSON document of a fetch: figures, dated events where the feed has them, and problems.

    Times are ISO 8601 in UTC; a missing value is ``null``.
    """
    document: dict[str, Any] = {
        "feed": feed,
        "observations": [_observation(item) for item in fetched.observations],
        "problems": [_problem(item) for item in fetched.problems],
    }
    if fetched.events:
        document["events"] = [_event(item) for item in fetched.events]
    return document


def _observation(item: Observation) -> dict[str, Any]:
    return {
        "series": item.series,
        "at": item.at.isoformat(),
        "known_at": item.known_at.isoformat(),
        "value": item.value,
        "status": item.status.value,
        "source": item.source,
    }


def _problem(item: FeedProblem) -> dict[str, Any]:
    return {
        "source": item.source,
        "fault": item.fault.value,
        "message": item.message,
        "subject": item.subject,
        "retry_at": item.retry_at.isoformat() if item.retry_at else None,
    }


def _event(item: CalendarEvent) -> dict[str, Any]:
    return {
        "kind": item.kind,
        "key": item.key,
        "start": item.start,
        "end": item.end,
        "title": dict(item.title),
        "session": item.session,
        "status": item.status.value,
        "source": item.source,
        "known_at": item.known_at.isoformat(),
        "tags": list(item.tags),
        "place": item.place,
    }
