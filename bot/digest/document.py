"""The digest as one document. Every format is a view of it, so they can't disagree."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial

from bot.digest import checks, companies, crypto, diary, flows, markets, sentences
from bot.digest.checks import Finding
from bot.digest.data import DigestData
from bot.digest.facts import Fact, Facts, Standing
from bot.digest.figure import Figure
from bot.digest.frame import Frame, Span
from bot.digest.layout import Layout, Slot
from bot.digest.layout_file import shipped_layout
from bot.digest.sentences import Paragraph
from rules.calendars.sessions import Calendars
from rules.model import Lang
from rules.universe import Universe

SCHEMA = "tapewatch.digest/1"


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """A weekly digest: facts, figures by number, paragraphs, an analyst's slots, findings of the checks."""

    layout: Layout
    span: Span
    now: datetime
    facts: Mapping[str, Fact]
    figures: Mapping[int, Figure]
    paragraphs: tuple[Paragraph, ...]
    slots: Mapping[str, str] = field(default_factory=dict)
    """What people wrote, by slot; an empty slot isn't there."""
    findings: tuple[Finding, ...] = ()

    def to_dict(self) -> dict[str, object]:
        """The document as JSON values."""
        return {
            "schema": SCHEMA,
            "title": dict(self.layout.title),
            "week": {"from": self.span.first.isoformat(), "to": self.span.last.isoformat(), "iso": self.span.name},
            "as_known_at": self.now.isoformat(),
            "facts": {key: fact.to_json() for key, fact in self.facts.items()},
            "figures": {str(number): figure.to_json() for number, figure in self.figures.items()},
            "sentences": {lang: [paragraph.text[lang] for paragraph in self.paragraphs] for lang in ("zh", "en")},
            "slots": {
                slot.name: {
                    "title": dict(slot.title),
                    "text": self.slots.get(slot.name),
                    "standing": dict(slot.text) if slot.text else None,
                    "required": slot.required,
                }
                for slot in self.layout.slots
            },
            "checks": [finding.to_json() for finding in self.findings],
        }

    def to_json(self) -> str:
        """The document as JSON text."""
        return json.dumps(self.to_dict(), ensure_ascii=False, indent=1)

    @property
    def fingerprint(self) -> str:
        """Names what the digest says: the same content has the same one, whenever it was computed or asked for."""
        said = self.to_dict() | {"as_known_at": None}
        said["figures"] = [figure.to_json() | {"as_of": None} for figure in self.figures.values()]
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def unfirm(self) -> tuple[str, ...]:
        """The facts that may yet come or change: whatever isn't final."""
        return tuple(key for key, fact in self.facts.items() if fact.status is not Standing.FINAL)

    @property
    def empty_slots(self) -> tuple[str, ...]:
        """The slots that nobody has filled, and that have no standing text."""
        return tuple(slot.name for slot in self.layout.slots if not slot.text and not self.slots.get(slot.name))

    def words(self, slot: Slot, lang: Lang) -> str:
        """What stands in ``slot``: an analyst's words, else its standing text; ``""`` while it is empty."""
        return self.slots.get(slot.name) or (slot.text[lang] if slot.text else "")


def build(
    data: DigestData,
    week_end: date,
    universe: Universe,
    *,
    layout: Layout | None = None,
    calendars: Calendars | None = None,
    slots: Mapping[str, str] | None = None,
) -> Digest:
    """Compute the digest of the week that holds ``week_end``, from what ``data`` knows."""
    chosen = layout or shipped_layout()
    frame = Frame(data, universe, chosen, Span.week_of(week_end), calendars or Calendars(), Facts())
    state(frame)
    figures = {number: make(frame) for number, make in _makers(frame).items() if number in chosen.figures}
    return Digest(
        layout=chosen,
        span=frame.span,
        now=data.now,
        facts=frame.facts,
        figures=figures,
        paragraphs=sentences.write(frame),
        slots={name: text for name, text in (slots or {}).items() if text.strip()},
        findings=checks.run(frame, figures.values()),
    )


def state(frame: Frame) -> None:
    """State every fact that the layout's figures, and sentences about them, need."""
    shows = frame.layout.shows
    if shows("indices"):
        markets.state_indices(frame)
    if shows("coverage") or shows("crypto_equities"):
        markets.state_equities(frame)
    if shows("cloud"):
        companies.state_cloud(frame)
    if shows("capex"):
        companies.state_capex(frame)
    if shows("cloud") or shows("capex"):
        companies.state_reported(frame)
    for symbol in companies.shown_companies(frame):
        companies.state_company(frame, symbol)
    if shows("crypto"):
        crypto.state_crypto(frame)
    if shows("bitcoin"):
        crypto.state_bitcoin(frame)
    if shows("flows"):
        flows.state_flows(frame)


def _makers(frame: Frame) -> dict[int, Callable[[Frame], Figure]]:
    makers: dict[int, Callable[[Frame], Figure]] = {
        1: markets.indices_figure,
        2: lambda frame: markets.movers_figure(frame, 1),
        3: lambda frame: markets.movers_figure(frame, -1),
        4: lambda frame: markets.equities_figure(frame, 4),
        5: lambda frame: companies.cloud_figure(frame, 5),
        6: lambda frame: companies.cloud_figure(frame, 6),
        7: companies.capex_figure,
    }
    for company in frame.layout.companies:
        makers[company.figure] = partial(companies.company_figure, number=company.figure, symbol=company.symbol)
    return makers | {
        12: lambda frame: diary.events_figure(frame, 12),
        13: crypto.overview_figure,
        14: crypto.volume_figure,
        15: crypto.fear_greed_figure,
        16: lambda frame: markets.equities_figure(frame, 16),
        17: flows.flows_figure,
        18: flows.daily_flow_figure,
        19: flows.cumulative_flow_figure,
        20: crypto.bitcoin_figure,
        21: lambda frame: diary.events_figure(frame, 21),
    }
