"""The memory of daily figures: what the engine, the commands and the digest know of earlier sessions after a restart.

Finished bars lie packed in the price history, one block a symbol and year; every other series (flows, fear and greed,
fundamentals …) as one document, with time, status and source of each figure.
"""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Container, Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta

import numpy as np

from adapters.store.port import Bars, Documents, PriceHistory
from rules.model import Observation, SeriesName, Status

FIGURES, PRICED = "figures", "priced"
ARCHIVE, _REVISION = "archive", "revision"
FIELDS = ("open", "high", "low", "close", "volume")
KEPT = 1_000
"""Figures of a series that are kept, the newest ones."""
Rows = dict[str, dict[datetime, dict[str, float]]]
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class Archive:
    """Keeps figures, and gives them back as observations."""

    def __init__(self, bars: PriceHistory, documents: Documents) -> None:
        self._bars = bars
        self._documents = documents

    async def keep(self, observations: Iterable[Observation]) -> None:
        """Take in what stands for a whole session; running bars are left out. Repeating it is harmless."""
        bars, sources, figures = await asyncio.to_thread(_sorted, observations)
        kept = [await self._keep_bars(symbol, rows, json.dumps(sources[symbol])) for symbol, rows in bars.items()]
        kept += [await self._keep_figures(series, told) for series, told in figures.items()]
        if any(kept):
            await self._documents.put(ARCHIVE, _REVISION, uuid.uuid4().hex)

    async def revision(self) -> str:
        """Names what is kept: the same as long as nothing was added or changed."""
        return await self._documents.get(ARCHIVE, _REVISION) or ""

    async def _keep_bars(self, symbol: str, rows: dict[datetime, dict[str, float]], source: str) -> bool:
        """Whether there was anything new in them."""
        if await self._documents.get(PRICED, symbol) == source and not await self._differ(symbol, rows):
            return False
        await self._complete(symbol, rows)
        await self._bars.put(symbol, _packed(rows))
        await self._documents.put(PRICED, symbol, source)
        return True

    async def _differ(self, symbol: str, rows: Mapping[datetime, Mapping[str, float]]) -> bool:
        held = await self._bars.get(symbol)
        found = {int(at): index for index, at in enumerate(held.at)}
        return any(
            (index := found.get(_micros(at))) is None
            or any(float(getattr(held, field)[index]) != value for field, value in row.items())
            for at, row in rows.items()
        )

    async def _complete(self, symbol: str, rows: dict[datetime, dict[str, float]]) -> None:
        """Fill what is not told of a bar from what is kept of it: a revised close leaves the high as it was."""
        if all(len(row) == len(FIELDS) for row in rows.values()):
            return
        held = await self._bars.get(symbol)
        for index in np.flatnonzero(np.isin(held.at, [_micros(at) for at in rows])):
            row = rows[_EPOCH + int(held.at[index]) * _MICROSECOND]
            known = {field: float(getattr(held, field)[index]) for field in FIELDS}
            row |= {field: value for field, value in known.items() if field not in row and not np.isnan(value)}

    async def _keep_figures(self, series: str, told: Iterable[Observation]) -> bool:
        held = await self._documents.get(FIGURES, series)
        text = await asyncio.to_thread(_with, series, held, told)
        if text == held:
            return False
        await self._documents.put(FIGURES, series, text)
        return True

    async def load(self, only: Container[tuple[str, str]] | None = None) -> list[Observation]:
        """Everything that is kept, or ``only`` some pairs of feed and key, oldest first.

        A bar counts as known at its close. All of it is in memory together; who can do without takes :meth:`read`.
        """
        found = [item async for portion in self.read(only) for item in portion]
        return sorted(found, key=lambda item: (item.known_at, item.at))

    async def read(self, only: Container[tuple[str, str]] | None = None) -> AsyncIterator[Sequence[Observation]]:
        """What :meth:`load` gives, in portions: the bars of a symbol, or another series, each oldest first."""
        for symbol, source in (await self._documents.all(PRICED)).items():
            if only is None or ("prices", symbol) in only:
                yield sorted(await self._bars_of(symbol, source), key=lambda item: item.at)
        for series in await self._documents.keys(FIGURES):
            name = SeriesName.parse(series)
            if only is None or (name.feed, name.key) in only:
                yield _figures(series, await self._documents.get(FIGURES, series))

    async def bars_of(self, symbols: Container[str]) -> list[Observation]:
        """The bars of ``symbols``, each counting as known at its close."""
        priced = (await self._documents.all(PRICED)).items()
        kept = [await self._bars_of(symbol, source) for symbol, source in priced if symbol in symbols]
        return [item for bars in kept for item in bars]

    async def _bars_of(self, symbol: str, source: str) -> list[Observation]:
        bars = await self._bars.get(symbol)
        return await asyncio.to_thread(lambda: list(_unpacked(symbol, bars, json.loads(source))))

    async def forget(self, symbol: str) -> None:
        """Drop a symbol's bars: a split changed all of them, and its feed gives them anew."""
        await self._bars.forget(symbol)
        await self._documents.put(ARCHIVE, _REVISION, uuid.uuid4().hex)


def _sorted(observations: Iterable[Observation]) -> tuple[Rows, dict[str, str], dict[str, list[Observation]]]:
    """Finished bars by symbol and time, the source of each symbol, and other figures by series."""
    bars: Rows = {}
    sources: dict[str, str] = {}
    figures: dict[str, list[Observation]] = {}
    for item in observations:
        name = SeriesName.parse(item.series)
        if name.feed != "prices" or name.field not in FIELDS:
            figures.setdefault(item.series, []).append(item)
        elif item.status is Status.FINAL and item.value is not None:
            bars.setdefault(name.key, {}).setdefault(item.at, {})[name.field] = item.value
            sources[name.key] = item.source
    return bars, sources, figures


def _with(series: str, held: str | None, told: Iterable[Observation]) -> str:
    """The document of ``series`` with what was ``told`` in it."""
    by_time = {item.at: item for item in (*_figures(series, held), *told)}
    newest = sorted(by_time.values(), key=lambda item: item.at)[-KEPT:]
    rows = [[item.at.isoformat(), item.known_at.isoformat(), item.value, item.status, item.source] for item in newest]
    return json.dumps(rows, ensure_ascii=False, separators=(",", ":"))


def _packed(rows: Mapping[datetime, Mapping[str, float]]) -> Bars:
    times = sorted(rows)
    columns = (np.array([rows[at].get(field, np.nan) for at in times]) for field in FIELDS)
    return Bars(np.array([_micros(at) for at in times], np.int64), *columns)


def _micros(at: datetime) -> int:
    return (at - _EPOCH) // _MICROSECOND


def _unpacked(symbol: str, bars: Bars, source: str) -> Iterable[Observation]:
    times = [_EPOCH + int(at) * _MICROSECOND for at in bars.at]
    for field in FIELDS:
        series = f"prices.{symbol}.{field}"
        for at, value in zip(times, getattr(bars, field), strict=True):
            if not np.isnan(value):
                yield Observation(series, at, at, float(value), source=source)


def _figures(series: str, text: str | None) -> list[Observation]:
    return [
        Observation(series, datetime.fromisoformat(at), datetime.fromisoformat(known), value, Status(status), source)
        for at, known, value, status, source in json.loads(text or "[]")
    ]
