"""Reading the XBRL instance of a filing: the facts of one member of one axis. Pure.

The file comes from outside: entities are not expanded, nothing is loaded, and a document type is refused.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import date

from lxml import etree

from adapters.feeds.answer import BadAnswer, iso_day, number

_INSTANCE = "http://www.xbrl.org/2003/instance"
_DIMENSIONS = "http://xbrl.org/2006/xbrldi"
SEGMENT_AXIS = "StatementBusinessSegmentsAxis"
_ALLOWED = {"ConsolidationItemsAxis": "OperatingSegmentsMember"}
"""What may qualify a segment's figure without making it another figure."""


@dataclass(frozen=True, slots=True)
class Context:
    """What a fact is about: days, both inclusive, and the member of each axis (names without prefix)."""

    start: date
    end: date
    members: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SegmentFact:
    """A segment's figure in USD."""

    concept: str
    start: date
    end: date
    value: float


def segment_facts(text: str, member: str, concepts: Collection[str]) -> list[SegmentFact]:
    """The figures of ``concepts`` for the segment ``member``.

    The same revenue may appear again by product (``ProductOrServiceAxis``) or by region: only figures qualified by the
    segment axis alone, or as operating segment before eliminations, are the segment's. Raises ``BadAnswer`` for what is
    no instance, and when two figures of one period contradict each other.
    """
    root = _parsed(text)
    contexts = {name: context for name, context in _contexts(root) if _is_segment(context, member)}
    units = {unit.get("id") for unit in root.iter(f"{{{_INSTANCE}}}unit") if _is_usd(unit)}
    found: dict[tuple[str, date, date], SegmentFact] = {}
    for element in root.iterchildren("*"):
        context = contexts.get(element.get("contextRef", ""))
        if context is None or element.get("unitRef") not in units or _local(element) not in concepts:
            continue
        if not (element.text or "").strip():
            continue
        fact = SegmentFact(_local(element), context.start, context.end, number(element.text, f"{member}'s figure"))
        key = (fact.concept, fact.start, fact.end)
        if key in found and found[key].value != fact.value:
            raise BadAnswer(
                f"{member} has {found[key].value:,.0f} and {fact.value:,.0f} for {fact.start} to {fact.end}"
            )
        found[key] = fact
    return list(found.values())


def _parsed(text: str) -> etree._Element:
    parser = etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, encoding="utf-8")
    try:
        root = etree.fromstring(text.encode(), parser)
    except (etree.XMLSyntaxError, ValueError) as error:
        raise BadAnswer(f"the filing's instance is not XML ({error})") from error
    if root.getroottree().docinfo.internalDTD is not None:
        raise BadAnswer("the filing's instance declares a document type, which no instance needs")
    if root.tag != f"{{{_INSTANCE}}}xbrl":
        raise BadAnswer(f"the filing's instance begins with {root.tag!r:.60}; wanted xbrl")
    return root


def _contexts(root: etree._Element) -> Iterator[tuple[str, Context]]:
    for element in root.iter(f"{{{_INSTANCE}}}context"):
        start = element.findtext(f".//{{{_INSTANCE}}}startDate")
        end = element.findtext(f".//{{{_INSTANCE}}}endDate")
        if start is None or end is None:
            continue
        members = {
            _after_colon(member.get("dimension", "")): _after_colon((member.text or "").strip())
            for member in element.iter(f"{{{_DIMENSIONS}}}explicitMember")
        }
        if next(element.iter(f"{{{_DIMENSIONS}}}typedMember"), None) is None:
            days = (iso_day(start.strip(), "a context's start"), iso_day(end.strip(), "a context's end"))
            yield element.get("id", ""), Context(*days, members)


def _is_segment(context: Context, member: str) -> bool:
    others = {axis: value for axis, value in context.members.items() if axis != SEGMENT_AXIS}
    return context.members.get(SEGMENT_AXIS) == member and others.items() <= _ALLOWED.items()


def _is_usd(unit: etree._Element) -> bool:
    measures = [_after_colon((measure.text or "").strip()) for measure in unit.iter(f"{{{_INSTANCE}}}measure")]
    return measures == ["USD"]


def _local(element: etree._Element) -> str:
    return etree.QName(element).localname


def _after_colon(name: str) -> str:
    return name.rpartition(":")[2]
