"""The face of an alert's message: what was told, and where its alerts stand by now. One alert, one message."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from pydantic import TypeAdapter

from adapters.message import Block, Button, Instant, Line, Message, Paragraph, Table, Text
from adapters.store.port import Documents
from bot.alerts.incidents import NUMBER, Document
from bot.alerts.messages import compose
from bot.alerts.notices import Incident
from bot.locale import say
from rules.model import Lang, Reason, Transition, TransitionKind
from rules.universe import Universe

SHOWN = "evidence_shown"
"""The documents with what stood beside an alert when it was told, by number: an edit must not tell other figures."""
CHANGES = frozenset(
    {
        TransitionKind.ACKNOWLEDGED,
        TransitionKind.RECOVERING,
        TransitionKind.RELAPSED,
        TransitionKind.RESOLVED,
        TransitionKind.CORRECTED,
        TransitionKind.ENDED,
    }
)
"""The kinds that change the face of the message that told the alert."""
_OVER = frozenset({TransitionKind.RESOLVED, TransitionKind.CORRECTED, TransitionKind.ENDED})
_MARKED = _OVER | {TransitionKind.RECOVERING}
Beside = Mapping[Lang, Sequence[Block]]
"""Blocks of evidence in each language."""
_BESIDE = TypeAdapter(dict[Lang, tuple[Block, ...]])


@dataclass(frozen=True, slots=True)
class Standing:
    """One alert of a message: as it was told, what became of it, and who looks after it."""

    told: Incident
    now: TransitionKind | None
    """``RECOVERING``, ``RESOLVED``, ``CORRECTED`` or ``ENDED``; ``None`` while it fires."""
    acknowledged: Transition | None


def acknowledged(opening: Transition, number: str, by: str, note: str, at: datetime) -> Transition:
    """Somebody looks after the alert ``number``, which began with ``opening``."""
    options = {NUMBER: number, "by": by, "note": note}
    return replace(
        opening,
        kind=TransitionKind.ACKNOWLEDGED,
        reason=Reason.ACKNOWLEDGED,
        at=at,
        options={**opening.options, **options},
    )


def standing(number: str, history: Sequence[Transition]) -> Standing | None:
    """Where an alert stands after ``history``; ``None`` where it never fired."""
    opening = next((each for each in reversed(history) if each.kind is TransitionKind.FIRED), None)
    if opening is None:
        return None
    changes = [each for each in history[history.index(opening) :] if each.kind in CHANGES]
    verdicts = [each.kind for each in changes if each.kind is not TransitionKind.ACKNOWLEDGED]
    taken = next((each for each in changes if each.kind is TransitionKind.ACKNOWLEDGED), None)
    return Standing(Incident(number, opening), verdicts[-1] if verdicts and verdicts[-1] in _MARKED else None, taken)


def face(standings: Sequence[Standing], lang: Lang, universe: Universe, beside: Sequence[Block] = ()) -> Message:
    """The message that told the alerts, as it is to look now; ``beside`` is the evidence that it was told with."""
    message = compose([each.told for each in standings], lang, universe, beside)
    several = len(standings) > 1
    stages = {each.now for each in standings}
    if len(stages) == 1 and (stage := stages.pop()) is not None:
        message = _titled(message, say(lang, f"kind.{stage.value}"))
    elif several:
        message = replace(message, blocks=_with_states(message.blocks, standings, lang))
    lines = tuple(_who(each, lang, several=several) for each in standings if each.acknowledged)
    if lines:
        if all(each.now is None for each in standings):
            message = _titled(message, say(lang, "kind.acknowledged"))
        message = replace(message, blocks=(*message.blocks, Paragraph(lines)))
    return replace(message, buttons=_buttons(message, standings, taken=bool(lines)))


def _titled(message: Message, word: str) -> Message:
    """The title with ``word`` behind its first part, where the message that tells the end has it too."""
    return replace(message, title=(*message.title[:1], Text(f" · {word}"), *message.title[1:]))


def _with_states(blocks: Sequence[Block], standings: Sequence[Standing], lang: Lang) -> tuple[Block, ...]:
    """The table of a group with the state of each row behind its name."""
    by_subject = {" ".join(each.told.transition.labels.values()): each.now for each in standings}

    def stated(row: tuple[str, ...]) -> tuple[str, ...]:
        stage = by_subject.get(row[0])
        return (*row[:-1], f"{row[-1]} · {say(lang, f'kind.{stage.value}')}".removeprefix(" · ")) if stage else row

    return tuple(
        replace(block, rows=tuple(map(stated, block.rows))) if isinstance(block, Table) else block for block in blocks
    )


def _who(each: Standing, lang: Lang, *, several: bool) -> Line:
    taken = each.acknowledged
    if taken is None:
        return ()
    number = f"{each.told.number} " if several else ""
    said = say(lang, "ack.line", number=number, by=taken.options.get("by", ""))
    note = taken.options.get("note", "")
    return (Text(said), Instant(taken.at, ""), *([Text(f" · {note}")] if note else []))


def _buttons(message: Message, standings: Sequence[Standing], *, taken: bool) -> tuple[tuple[Button, ...], ...]:
    """None once everything is over; without the one that acknowledges once somebody did."""
    if all(each.now in _OVER for each in standings):
        return ()
    rows = (
        tuple(button for button in row if not (taken and button.data.startswith("ack:"))) for row in message.buttons
    )
    return tuple(row for row in rows if row)


def shown_documents(beside: Mapping[str, Beside]) -> dict[Document, str | None]:
    """The documents that keep what stands beside each alert, by number; none where nothing does."""
    return {
        (SHOWN, number): _BESIDE.dump_json({lang: tuple(blocks) for lang, blocks in found.items()}).decode()
        for number, found in beside.items()
        if any(found.values())
    }


async def shown_beside(number: str, documents: Documents) -> Beside:
    """What stood beside the alert when it was told."""
    text = await documents.get(SHOWN, number)
    return _BESIDE.validate_json(text) if text else {}
