"""Revenue of the cloud segments, from the XBRL instances of quarterly and annual reports.

Companyfacts leaves figures by segment out. Each report has its quarter and the one a year before, in the segments as
they are cut now, so a recast segment replaces its past as far as the newest reports show it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from adapters.feeds.answer import BadAnswer, gives_up, noting
from adapters.feeds.port import Fault, FeedProblem, Fetched
from adapters.feeds.quarters import Fact, quarters
from adapters.feeds.sec import observations
from adapters.feeds.sec_api import NAME, Filing, SecApi
from adapters.feeds.xbrl import segment_facts
from rules.model import Observation

REVENUE_CONCEPTS = ("RevenueFromContractWithCustomerExcludingAssessedTax", "Revenues")
FILINGS = 7
"""How many reports are read: six quarters and the sum before the oldest of them."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A segment of a company: the series' field and the member of the segment axis."""

    field: str
    member: str


SEGMENTS: Mapping[str, Segment] = MappingProxyType(
    {
        "AMZN": Segment("segment_aws", "AmazonWebServicesSegmentMember"),
        "GOOGL": Segment("segment_google_cloud", "GoogleCloudMember"),
        "MSFT": Segment("segment_intelligent_cloud", "IntelligentCloudMember"),
    }
)
"""META reports no cloud segment; Microsoft's Intelligent Cloud is more than Azure, for which it gives no figure."""


class SecSegments:
    """The quarters of the cloud segments of ``symbols``. A report is read once in the life of the feed."""

    def __init__(self, *, api: SecApi, symbols: Sequence[str] = tuple(SEGMENTS)) -> None:
        self._api = api
        self._symbols = tuple(symbol for symbol in symbols if symbol in SEGMENTS)
        self._read: dict[str, list[Fact]] = {}

    async def fetch(self, now: datetime) -> Fetched:
        """Ask for each company's newest reports; one that fails doesn't keep the others from answering."""
        if (refused := self._api.missing_contact()) is not None:
            return Fetched(problems=(refused,))
        told: list[Observation] = []
        problems: list[FeedProblem] = []
        for symbol in self._symbols:
            subject = f"fundamentals.{symbol}.{SEGMENTS[symbol].field}"
            with noting(problems, NAME, subject):
                filings = [each for each in await self._filings(symbol) if each.filed <= now.date()][:FILINGS]
                facts: list[Fact] = []
                for filing in filings:
                    with noting(problems, NAME, subject):
                        facts += await self._facts(filing, SEGMENTS[symbol])
                    if gives_up(problems):
                        break
                told += observations(symbol, {SEGMENTS[symbol].field: quarters(facts)}, now)
            if gives_up(problems):
                break
        return Fetched(tuple(told), problems=tuple(problems))

    async def _filings(self, symbol: str) -> list[Filing]:
        return await self._api.filings(await self._api.cik(symbol))

    async def _facts(self, filing: Filing, segment: Segment) -> list[Fact]:
        if filing.accession not in self._read:
            text = await self._api.instance(filing)
            self._read[filing.accession] = await asyncio.to_thread(_facts_of, text, filing, segment)
        return self._read[filing.accession]


def _facts_of(text: str, filing: Filing, segment: Segment) -> list[Fact]:
    found = list(_preferred(text, filing, segment))
    if not found:
        where = f"{filing.form} of {filing.period_end} ({filing.accession})"
        raise BadAnswer(f"the {where} has no revenue of {segment.member}; was the segment renamed?", Fault.CHANGED)
    return found


def _preferred(text: str, filing: Filing, segment: Segment) -> Iterator[Fact]:
    """One figure a period: the concepts are in order of preference."""
    facts = segment_facts(text, segment.member, REVENUE_CONCEPTS)
    taken = set()
    for fact in sorted(facts, key=lambda each: REVENUE_CONCEPTS.index(each.concept)):
        if (fact.start, fact.end) not in taken:
            taken.add((fact.start, fact.end))
            yield Fact(fact.start, fact.end, fact.value, filing.filed)
