"""Fundamentals from the SEC's companyfacts: revenue, net income, gross profit and capital expenditure by quarter."""

from __future__ import annotations

import asyncio
import operator
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from types import MappingProxyType

from adapters.feeds.answer import BadAnswer, dig, gives_up, iso_day, maybe, noting, number, sequence
from adapters.feeds.port import Fault, FeedProblem, Fetched
from adapters.feeds.quarters import Fact, Quarter, combined, first_known, quarters
from adapters.feeds.sec_api import NAME, SecApi, concepts_in, known_at
from adapters.feeds.utc_day import end_of
from rules.model import Observation, Status

QUARTERS = 12
"""How many quarters are told: two years for year-on-year changes of four quarters, and one more."""

Concepts = Mapping[str, tuple[str, ...]]
DEFAULT_CONCEPTS: Concepts = MappingProxyType(
    {
        "revenue": (
            "RevenueFromContractWithCustomerExcludingAssessedTax",
            "Revenues",
            "RevenueFromContractWithCustomerIncludingAssessedTax",
            "SalesRevenueNet",
        ),
        "net_income": ("NetIncomeLoss", "ProfitLoss"),
        "gross_profit": ("GrossProfit",),
        "cost_of_revenue": ("CostOfRevenue", "CostOfGoodsAndServicesSold", "CostOfGoodsSold"),
        "capex": ("PaymentsToAcquirePropertyPlantAndEquipment", "PaymentsToAcquireProductiveAssets"),
    }
)
"""Where each field is found: the first concept that has a quarter gives it."""

COMPANY_CONCEPTS: Mapping[str, Concepts] = MappingProxyType(
    {
        "GOOGL": {"revenue": ("Revenues", "RevenueFromContractWithCustomerExcludingAssessedTax")},
        "GOOG": {"revenue": ("Revenues", "RevenueFromContractWithCustomerExcludingAssessedTax")},
        "AMZN": {"capex": ("PaymentsToAcquireProductiveAssets", "PaymentsToAcquirePropertyPlantAndEquipment")},
        "NVDA": {"capex": ("PaymentsToAcquireProductiveAssets", "PaymentsToAcquirePropertyPlantAndEquipment")},
    }
)
"""Companies whose first choice is another one."""


class SecFundamentals:
    """The quarters of ``symbols``, every version of each, known since its filing."""

    def __init__(self, *, api: SecApi, symbols: Sequence[str]) -> None:
        self._api = api
        self._symbols = tuple(symbols)

    async def fetch(self, now: datetime) -> Fetched:
        """Ask for each company; one that fails doesn't keep the others from answering."""
        if (refused := self._api.missing_contact()) is not None:
            return Fetched(problems=(refused,))
        told: list[Observation] = []
        problems: list[FeedProblem] = []
        for symbol in self._symbols:
            with noting(problems, NAME, f"fundamentals.{symbol}"):
                text = await self._api.company_facts(await self._api.cik(symbol))
                fields = await asyncio.to_thread(parse, text, symbol)
                told += observations(symbol, fields, now)
                problems += _gaps(symbol, fields)
            if gives_up(problems):
                break
        return Fetched(tuple(told), problems=tuple(problems))


def parse(text: str, symbol: str) -> dict[str, dict[date, Quarter]]:
    """Read companyfacts: each field's quarters by calendar quarter end, in USD."""
    wanted = {**DEFAULT_CONCEPTS, **COMPANY_CONCEPTS.get(symbol, {})}
    found = concepts_in(text, (name for names in wanted.values() for name in names))
    fields = {
        field: first_known(quarters(facts_of(found[name], name)) for name in names if name in found)
        for field, names in wanted.items()
    }
    computed = combined(fields["revenue"], fields.pop("cost_of_revenue"), operator.sub)
    fields["gross_profit"] = first_known((fields["gross_profit"], computed))
    if not any(fields.values()):
        raise BadAnswer(f"it has none of the figures of {symbol} by quarter in USD", Fault.INCOMPLETE)
    return fields


def facts_of(concept: object, name: str) -> Iterator[Fact]:
    """Read one concept's facts in USD; those without a start are balances and are left out."""
    units = dig(concept, "units")
    for row in sequence(maybe(units, "USD") or [], f"the facts of {name}"):
        if maybe(row, "start") and str(maybe(row, "form")).startswith(("10-Q", "10-K")):
            yield Fact(
                iso_day(row["start"], f"the start of a fact of {name}"),
                iso_day(dig(row, "end"), f"the end of a fact of {name}"),
                number(dig(row, "val"), f"a fact of {name}"),
                iso_day(dig(row, "filed"), f"the filing date of a fact of {name}"),
            )


def observations(symbol: str, fields: Mapping[str, Mapping[date, Quarter]], now: datetime) -> Iterator[Observation]:
    """Every version of the newest quarters, at the end of the calendar quarter."""
    for field, by_quarter in fields.items():
        for end in sorted(by_quarter)[-QUARTERS:]:
            for version in by_quarter[end].versions:
                if version.known <= now.date():
                    series = f"fundamentals.{symbol}.{field}"
                    known = known_at(version.known, now)
                    yield Observation(series, end_of(end), known, version.value, Status.FINAL, NAME)


def _gaps(symbol: str, fields: Mapping[str, Mapping[date, Quarter]]) -> Iterator[FeedProblem]:
    newest = max(end for by_quarter in fields.values() for end in by_quarter)
    for field, by_quarter in fields.items():
        if newest not in by_quarter:
            message = f"{symbol}: {field} of the quarter to {newest} is not among the known concepts"
            yield FeedProblem(NAME, Fault.INCOMPLETE, message, f"fundamentals.{symbol}.{field}")
