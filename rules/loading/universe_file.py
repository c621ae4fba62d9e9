"""The universe from YAML: instruments in groups that share keys. A user's file adds to the bundled or replaces it."""

from __future__ import annotations

import re
from datetime import date
from pathlib import Path

from rules.language.lexer import CURRENCIES
from rules.loading.durations import read_calendar
from rules.loading.fields import Report, Table, localized
from rules.loading.yaml_source import MAX_BYTES, Node, Scalar, read
from rules.problems import ProblemsFound
from rules.universe import Instrument, Kind, Universe

BUNDLED = Path(__file__).parents[1] / "universe.yaml"

_SHARED = ("kind", "currency", "calendar", "tags", "sector", "subsector", "priced", "underlying", "fee",
    "valid_from", "valid_to")  # fmt: skip
_OWN = ("symbol", "name", "aliases", *_SHARED)
_PACK = ("version", "extends", "groups", "instruments")
_SYMBOL = re.compile(r"[\w^.=&+-]{1,32}", re.ASCII)
_TAG = re.compile(r"[^\W\d]\w*")


def load_universe(path: Path | None = None) -> Universe:
    """The bundled universe, or the one that ``path`` makes of it; raise ``ProblemsFound`` or ``OSError``."""
    bundled = parse_universe(BUNDLED.name, BUNDLED.read_bytes())
    if path is None:
        return bundled
    with path.open("rb") as file:
        return parse_universe(str(path), file.read(MAX_BYTES + 1), bundled)


def parse_universe(file: str, content: bytes | str, bundled: Universe | None = None) -> Universe:
    """Read one file; ``extends: builtin`` adds to ``bundled``, a symbol that it has already is replaced in place."""
    node, problems = read(file, content)
    report = Report()
    report.problems.extend(problems)
    pack = report.table(node, "a universe file", _PACK) if node else None
    universe = Universe(())
    if pack is not None:
        universe = Universe(_Reader(report, pack).instruments(bundled))
    elif not report.problems and bundled is not None:
        universe = bundled
    if report.problems:
        raise ProblemsFound(set(report.problems))
    return universe


class _Reader:
    def __init__(self, report: Report, pack: Table) -> None:
        self.report = report
        self.pack = pack
        self.symbols: dict[str, Node] = {}
        self.names: dict[str, tuple[str, Node]] = {}

    def instruments(self, bundled: Universe | None) -> list[Instrument]:
        """All instruments in file order, after those of the bundled universe that the file extends."""
        if self.pack.text("version", "1") != "1" or "version" not in self.pack:
            at = self.pack.at("version") or self.pack.node
            self.report.say(at, "version", "a universe file starts with `version: 1`")
        base = self._base(bundled)
        found = {item.symbol: item for item in base}
        for instrument in self._all():
            found[instrument.symbol] = instrument
        return list(found.values())

    def _base(self, bundled: Universe | None) -> tuple[Instrument, ...]:
        if "extends" not in self.pack:
            return ()
        if self.pack.text("extends") == "builtin" and bundled is not None:
            return bundled.instruments
        at = self.pack.at("extends") or self.pack.node
        self.report.say(at, "unknown-word", "extends is builtin or left out", "builtin")
        return ()

    def _all(self) -> list[Instrument]:
        read: list[Instrument | None] = []
        for group in self.report.items(self.pack.at("groups"), "'groups'"):
            table = self.report.table(group, "a group", (*_SHARED, "instruments"))
            members = self.report.items(table.at("instruments"), "'instruments'") if table else ()
            read.extend(self._instrument(node, table) for node in members)
        alone = self.report.items(self.pack.at("instruments"), "'instruments'")
        read.extend(self._instrument(node, None) for node in alone)
        return [item for item in read if item is not None]

    def _instrument(self, node: Node, group: Table | None) -> Instrument | None:
        own = self.report.table(node, "an instrument", _OWN)
        symbol = own.required("symbol", "an instrument") if own else None
        if own is None or symbol is None or not self._fresh(symbol):
            return None
        from_group = group or own

        def at(key: str) -> Table:
            return own if key in own else from_group

        kind = at("kind").choice("kind", Kind, None)
        calendar = at("calendar").parsed("calendar", read_calendar, "", "unknown-calendar")
        currency = at("currency").parsed("currency", _currency, "", "unknown-currency")
        for key, value in (("kind", kind), ("calendar", calendar), ("currency", currency)):
            if not value and key not in own and key not in from_group:
                self.report.say(symbol, "missing-key", f"{symbol.value} has no {key!r}, nor has its group")
        name = own.both("name")
        instrument = Instrument(
            symbol=symbol.value,
            name=localized(name) if name else {"en": symbol.value, "zh": symbol.value},
            kind=kind or Kind.EQUITY,
            currency=currency,
            calendar=calendar,
            aliases=own.words("aliases"),
            tags=self._tags(own, group),
            sector=at("sector").localized("sector"),
            subsector=at("subsector").localized("subsector"),
            priced=at("priced").flag("priced", default=True),
            underlying=at("underlying").text("underlying"),
            fee=at("fee").parsed("fee", _fee, None),
            valid_from=at("valid_from").parsed("valid_from", _date, None, "bad-date"),
            valid_to=at("valid_to").parsed("valid_to", _date, None, "bad-date"),
        )
        self._claim(instrument, own)
        return instrument

    def _fresh(self, symbol: Scalar) -> bool:
        first = self.symbols.setdefault(symbol.value, symbol)
        if first is not symbol:
            self.report.say(symbol, "duplicate-symbol", f"{symbol.value} stands already in line {first.line}; keep one")
        elif not _SYMBOL.fullmatch(symbol.value):
            said = f"{symbol.value!r} is no symbol; wanted letters, digits and . - ^ = & + only, at most 32"
            self.report.say(symbol, "bad-symbol", said)
        return first is symbol

    def _tags(self, own: Table, group: Table | None) -> tuple[str, ...]:
        tags = dict.fromkeys((*(group.words("tags") if group else ()), *own.words("tags")))
        for tag in tags:
            if not _TAG.fullmatch(tag):
                said = f"{tag!r} is no tag; wanted a word such as ai or etf_btc, since universe.TAG names the list"
                self.report.say(own.at("tags") or own.node, "bad-tag", said)
        return tuple(tags)

    def _claim(self, instrument: Instrument, own: Table) -> None:
        """A symbol or alias means one thing; only a fund may share the name of what it holds."""
        if instrument.kind is Kind.FUND:
            return
        for name in {text.casefold(): text for text in (instrument.symbol, *instrument.aliases)}.values():
            owner, at = self.names.setdefault(name.casefold(), (instrument.symbol, own.node))
            if owner != instrument.symbol:
                said = f"{name!r} names {owner} already in line {at.line}; a name means one instrument"
                self.report.say(own.at("aliases") or own.node, "duplicate-alias", said)


def _currency(text: str) -> str:
    if text not in CURRENCIES:
        raise ValueError(f"{text!r} is no currency; wanted a code such as USD")
    return text


def _date(text: str) -> date | None:
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise ValueError(f"{text!r} is no date; wanted one such as 2024-01-11") from None


def _fee(text: str) -> float | None:
    number = text.removesuffix("%")
    if number == text or not number.replace(".", "", 1).isdigit() or float(number) >= 100:
        raise ValueError(f"{text!r} is no yearly fee; wanted a percentage such as 0.25%")
    return float(number) / 100
