"""How Slack reads blocks and text: what it refuses, what a person sees, and which mentions go off."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Any

Json = dict[str, Any]
_TOKEN = re.compile(r"<([^<>]*)>")
_BARE = re.compile(r"&(?!(?:amp|lt|gt);)|<|>")
_DATE = re.compile(r"!date\^\d+\^[^^|]+(?:\^[^|]+)?\|(.+)")


class Refused(Exception):
    """The blocks are invalid; carries Slack's explanations."""

    def __init__(self, messages: Iterable[str]) -> None:
        self.messages = list(messages)
        super().__init__("; ".join(self.messages))


def units(text: str) -> int:
    """UTF-16 code units."""
    return len(text.encode("utf-16-le", "surrogatepass")) // 2


def check_blocks(blocks: list[Json]) -> None:
    """Raise ``Refused`` unless every block is within the documented form and limits."""
    problems = [] if len(blocks) <= 50 else ["no more than 50 items allowed [json-pointer:/blocks]"]
    for number, block in enumerate(blocks):
        check = _CHECKS.get(block.get("type", ""))
        found = ["unsupported type"] if check is None else list(check(block))
        problems += [f"{problem} [json-pointer:/blocks/{number}]" for problem in found]
    if sum(block.get("type") == "table" for block in blocks) > 1:
        problems.append("only one table allowed [json-pointer:/blocks]")
    ids = [element["action_id"] for block in blocks if block["type"] == "actions" for element in block["elements"]]
    if len(set(ids)) < len(ids):
        problems.append("`action_id` already exists [json-pointer:/blocks]")
    if problems:
        raise Refused(problems)


def _text_object(text: object, limit: int, kinds: set[str], name: str = "text") -> Iterator[str]:
    if not isinstance(text, dict) or text.get("type") not in kinds or not isinstance(text.get("text"), str):
        yield f"{name} must be one of {sorted(kinds)}"
        return
    if not 1 <= units(text["text"]) <= limit:
        yield f"{name} must be 1 to {limit} characters"
    unknown = set(text) - ({"type", "text", "verbatim"} if text["type"] == "mrkdwn" else {"type", "text", "emoji"})
    if unknown:
        yield f"{name} has unknown keys {sorted(unknown)}"


def _section(block: Json) -> Iterator[str]:
    if "text" not in block and "fields" not in block:
        yield "text or fields is required"
    if "text" in block:
        yield from _text_object(block["text"], 3000, {"mrkdwn", "plain_text"})
    fields = block.get("fields", [])
    if len(fields) > 10:
        yield "no more than 10 fields"
    for field in fields:
        yield from _text_object(field, 2000, {"mrkdwn", "plain_text"}, "field")


def _header(block: Json) -> Iterator[str]:
    yield from _text_object(block.get("text"), 150, {"plain_text"})


def _context(block: Json) -> Iterator[str]:
    elements = block.get("elements", [])
    if not 1 <= len(elements) <= 10:
        yield "1 to 10 elements"
    for element in elements:
        yield from _text_object(element, 3000, {"mrkdwn", "plain_text"}, "element")


def _actions(block: Json) -> Iterator[str]:
    elements = block.get("elements", [])
    if not 1 <= len(elements) <= 25:
        yield "1 to 25 elements"
    for element in elements:
        if element.get("type") != "button":
            yield "unsupported element"
            continue
        yield from _text_object(element.get("text"), 75, {"plain_text"}, "button text")
        if not 1 <= len(element.get("action_id", "")) <= 255:
            yield "action_id must be 1 to 255 characters"
        if len(element.get("value", "")) > 2000:
            yield "value must be at most 2000 characters"
        if element.get("style", "primary") not in {"primary", "danger"}:
            yield "style"


def _table(block: Json) -> Iterator[str]:
    rows = block.get("rows", [])
    if not 1 <= len(rows) <= 100:
        yield "1 to 100 rows"
    if len(block.get("column_settings", [])) > 20 or any(not 1 <= len(row) <= 20 for row in rows):
        yield "1 to 20 columns"
    cells = [cell for row in rows for cell in row]
    if any(cell.get("type") not in {"raw_text", "rich_text"} or not cell.get("text") for cell in cells):
        yield "a cell must be raw_text and not empty"
    if sum(units(cell.get("text", "")) for cell in cells) > 10_000:
        yield "no more than 10000 characters in a table"


def _rich_text(block: Json) -> Iterator[str]:
    for element in block.get("elements", [{}]):
        if element.get("type") not in {"rich_text_section", "rich_text_preformatted"}:
            yield "unsupported rich text element"
            continue
        for leaf in element.get("elements", []):
            if leaf.get("type") == "date":
                if not isinstance(leaf.get("timestamp"), int) or not leaf.get("format"):
                    yield "date needs a timestamp and a format"
            elif leaf.get("type") != "text" or not leaf.get("text"):
                yield "a text must not be empty"
            elif not set(leaf.get("style", {})) <= {"bold", "italic", "strike", "code"}:
                yield "unknown style"


_CHECKS = {
    "section": _section,
    "header": _header,
    "context": _context,
    "actions": _actions,
    "table": _table,
    "rich_text": _rich_text,
    "divider": lambda _: iter(()),
}


def markup_problems(mrkdwn: str) -> list[str]:
    """What in ``mrkdwn`` would notify somebody, become a link, or isn't escaped; a date is welcome."""
    live = [token for token in _TOKEN.findall(mrkdwn) if not _DATE.fullmatch(token)]
    bare = _BARE.findall(_TOKEN.sub("", mrkdwn))
    return [f"live token <{token}>" for token in live] + [f"unescaped {character}" for character in bare]


def visible(mrkdwn: str) -> str:
    """What a person reads."""
    text = _TOKEN.sub(lambda found: date[1] if (date := _DATE.fullmatch(found[1])) else found[0], mrkdwn)
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def mrkdwn_texts(blocks: list[Json]) -> list[str]:
    """Every ``mrkdwn`` text in ``blocks``."""
    found = [block["text"] for block in blocks if "text" in block]
    found += [element for block in blocks if block["type"] == "context" for element in block["elements"]]
    return [text["text"] for text in found if text["type"] == "mrkdwn"]


def blocks_text(blocks: list[Json]) -> str:
    """What a person reads of ``blocks``, one line a line."""
    return "\n".join(filter(None, map(_block_text, blocks)))


def _block_text(block: Json) -> str:
    match block["type"]:
        case "section" | "header":
            return visible(block["text"]["text"]) if block["text"]["type"] == "mrkdwn" else str(block["text"]["text"])
        case "context":
            return " ".join(
                visible(part["text"]) if part["type"] == "mrkdwn" else str(part["text"]) for part in block["elements"]
            )
        case "table":
            return "\n".join(" | ".join(cell["text"] for cell in row) for row in block["rows"])
        case "rich_text":
            return "\n".join(
                "".join(leaf.get("text") or leaf["fallback"] for leaf in element["elements"])
                for element in block["elements"]
            )
    return ""
