"""What an answer to a draft says: texts by the name of their slot, or words whose place has to be asked for."""

from __future__ import annotations

import re
from collections.abc import Sequence

from bot.digest.layout import Slot
from rules.problems import nearest

_NAMED = re.compile(r"\s*([^:：\n]{1,40}?)\s*[:：](.*)")


def named_texts(text: str, slots: Sequence[Slot]) -> dict[str, str]:
    """The texts of ``view: Own semis`` by slot; none where the first line names no slot.

    A slot goes by its name or its title. A line that names none belongs to the text above it.
    """
    names = {name.casefold(): slot.name for slot in slots for name in (slot.name, *slot.title.values())}
    found: dict[str, list[str]] = {}
    for line in text.strip().splitlines():
        match = _NAMED.fullmatch(line)
        slot = names.get(match[1].casefold()) if match else None
        if match and slot is not None:
            found[slot] = [match[2].strip()]
        elif found:
            found[next(reversed(found))].append(line.rstrip())
        else:
            return {}
    texts = {slot: "\n".join(lines).strip() for slot, lines in found.items()}
    return {slot: words for slot, words in texts.items() if words}


def nearly_named(text: str, slots: Sequence[Slot]) -> bool:
    """Whether it begins like a text with a misspelt name, ``veiw: Own semis``."""
    match = _NAMED.match(text)
    return bool(match and nearest(match[1], (slot.name for slot in slots)))
