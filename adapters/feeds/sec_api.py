"""Asking the SEC: who asks must say who they are, and ask slowly."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from adapters.feeds.answer import BadAnswer, dig, iso_day, mapping, sequence
from adapters.feeds.port import Fault, FeedProblem
from adapters.http import HttpClient, Source
from adapters.paces import Pace

NAME = "sec"
DATA_URL = "https://data.sec.gov"
SITE_URL = "https://www.sec.gov"
_PACE = Pace(6.0)
"""Ten requests a second are allowed."""
"""At most ten requests a second are allowed; this is below seven."""
_CONTACT = re.compile(r"[^\s@]+@[^\s@]+\.[^\s@]+")
_KNOWN_COMPANIES: Mapping[str, int] = {
    "AAPL": 320193,
    "AMZN": 1018724,
    "GOOG": 1652044,
    "GOOGL": 1652044,
    "META": 1326801,
    "MSFT": 789019,
    "NVDA": 1045810,
}


@dataclass(frozen=True, slots=True)
class Filing:
    """One quarterly or annual report; ``document`` is its main file."""

    cik: int
    accession: str
    form: str
    filed: date
    period_end: date
    document: str

    @property
    def instance_path(self) -> str:
        """Where the figures of the report are, as plain XBRL."""
        stem = self.document.rpartition(".")[0]
        return f"/Archives/edgar/data/{self.cik}/{self.accession.replace('-', '')}/{stem}_htm.xml"


class SecApi:
    """The SEC's public data, asked under the name of ``contact`` (``Desk Name mail@example.com``)."""

    def __init__(self, *, http: HttpClient, contact: str) -> None:
        self._http = http
        self._contact = contact.strip()
        self._data, self._site = (
            Source(
                name=NAME,
                base_url=address,
                headers={"User-Agent": self._contact},
                timeout_s=30.0,
                pace=_PACE,
                max_bytes=64 * 1024 * 1024,
            )
            for address in (DATA_URL, SITE_URL)
        )
        self._ciks: dict[str, int] = dict(_KNOWN_COMPANIES)
        self._listed = False

    def missing_contact(self) -> FeedProblem | None:
        """Why nothing may be asked, if so."""
        if _CONTACT.search(self._contact):
            return None
        wanted = "wanted the name and e-mail address of who asks, such as 'Example Research desk@example.com'"
        message = f"sec_contact is {self._contact!r:.60}; {wanted}: the SEC refuses anonymous callers"
        return FeedProblem(NAME, Fault.UNAUTHORIZED, message)

    async def cik(self, symbol: str) -> int:
        """The company's number; ``BadAnswer`` if the SEC lists no company under ``symbol``."""
        if symbol not in self._ciks and not self._listed:
            listed = await self._http.get_json(self._site, "/files/company_tickers.json")
            self._ciks = parse_tickers(listed) | self._ciks
            self._listed = True
        found = self._ciks.get(symbol) or self._ciks.get(symbol.replace(".", "-"))
        if found is None:
            raise BadAnswer(f"no company is registered as {symbol}", Fault.INCOMPLETE)
        return found

    async def company_facts(self, cik: int) -> str:
        """The text (several megabytes of JSON) of every figure that the company ever filed."""
        return await self._http.get_text(self._data, f"/api/xbrl/companyfacts/CIK{cik:010d}.json")

    async def filings(self, cik: int) -> list[Filing]:
        """The company's quarterly and annual reports, newest first."""
        return parse_filings(await self._http.get_json(self._data, f"/submissions/CIK{cik:010d}.json"), cik)

    async def instance(self, filing: Filing) -> str:
        """The text of a report's figures."""
        return await self._http.get_text(self._site, filing.instance_path)


def parse_tickers(answer: object) -> dict[str, int]:
    """Read the list of companies: number by ticker."""
    rows = mapping(answer, "the list of companies").values()
    return {str(dig(row, "ticker")): int(dig(row, "cik_str")) for row in rows}


def parse_filings(answer: object, cik: int) -> list[Filing]:
    """Read a company's recent filings (columns side by side) and keep 10-Q and 10-K, amendments left out."""
    recent = dig(answer, "filings.recent")
    names = ("accessionNumber", "form", "filingDate", "reportDate", "primaryDocument")
    columns = [sequence(dig(recent, name), name) for name in names]
    if len({len(column) for column in columns}) != 1:
        raise BadAnswer("the columns of its filings differ in length")
    found = [
        Filing(cik, str(accession), str(form), iso_day(filed, "filingDate"), iso_day(end, "reportDate"), str(document))
        for accession, form, filed, end, document in zip(*columns, strict=True)
        if form in ("10-Q", "10-K")
    ]
    if not found:
        raise BadAnswer("no quarterly or annual report is among its filings", Fault.INCOMPLETE)
    return sorted(found, key=lambda filing: filing.filed, reverse=True)


def concepts_in(text: str, names: Iterable[str]) -> dict[str, Any]:
    """Take the ``us-gaap`` concepts ``names`` out of companyfacts without parsing all of it.

    Parsing eight megabytes at once would hold up everything else for a fifth of a second.
    """
    if not (text.lstrip().startswith("{") and text.rstrip().endswith("}") and '"facts"' in text):
        raise BadAnswer(f"companyfacts is no JSON object with facts; it begins {text[:60]!r}")
    begin = text.find('"us-gaap"')
    if begin < 0:
        raise BadAnswer("it has no figures under US accounting rules for this company", Fault.INCOMPLETE)
    found = {}
    for name in names:
        key = re.compile(rf'"{re.escape(name)}"\s*:\s*(?=\{{)').search(text, begin)
        if key is not None:
            try:
                found[name], _ = json.JSONDecoder().raw_decode(text, key.end())
            except (ValueError, RecursionError) as error:
                raise BadAnswer(f"companyfacts breaks off in {name} ({error})") from error
    return found


def known_at(filed: date, now: datetime) -> datetime:
    """When a figure filed on ``filed`` was public: the end of that day, UTC, but no later than now."""
    return min(datetime.combine(filed, _END_OF_DAY), now)


_END_OF_DAY = datetime.fromisoformat("1970-01-01T23:59:59+00:00").timetz()
