"""What editors are told around a digest: its buttons, and why it isn't out yet."""

from __future__ import annotations

from collections.abc import Sequence

from adapters.message import Button, Message, Paragraph, Text
from bot.digest.layout import Slot
from rules.model import Lang, Localized

_BUTTONS: dict[Lang, tuple[str, str]] = {"en": ("Approve", "Publish now"), "zh": ("批准", "立即发布")}


def draft(slots: Sequence[Slot]) -> dict[Lang, str]:
    """What a draft says of itself, and how the analyst's texts get into it."""
    if not slots:
        return {"en": "Draft for review", "zh": "草稿，待审阅"}
    return {
        "en": f"Draft for review. Reply to it with “{slots[0].name}: …” to write a text",
        "zh": f"草稿，待审阅。回复本消息“{slots[0].name}：……”即可填写",
    }


def buttons(name: str, lang: Lang) -> tuple[tuple[Button, ...], ...]:
    """What clears the edition for its time, and what publishes it at once."""
    approve, publish = _BUTTONS[lang]
    return ((Button(approve, f"digest:approve:{name}"), Button(publish, f"digest:publish:{name}")),)


def corrected(version: int, reason: str) -> dict[Lang, str]:
    """What a new version says of itself."""
    return {"en": f"Corrected (version {version}): {reason}", "zh": f"更正（第 {version} 版）：{reason}"}


def superseded(name: str, number: int) -> dict[Lang, Message]:
    """What stands in place of a draft once there is a newer one."""
    return {
        "en": _note(f"{name}: draft {number}; a newer one follows."),
        "zh": _note(f"{name}：第 {number} 稿，已有新稿。"),
    }


def waits(name: str) -> dict[Lang, Message]:
    """It is time to publish, and nobody approved."""
    texts: dict[Lang, str] = {
        "en": f"📘 {name} waits for approval: its time has come, and nobody approved it.",
        "zh": f"📘 {name} 已到发布时间，尚未批准。",
    }
    return {
        lang: Message(summary=text, title=(Text(text),), buttons=buttons(name, lang)) for lang, text in texts.items()
    }


def held_back(name: str, lacking: Sequence[tuple[str, Localized]]) -> dict[Lang, Message]:
    """It can't be published: these required slots, by name and title, are empty."""
    heads: dict[Lang, str] = {
        "en": f"✋ {name} is held back: required and still empty are",
        "zh": f"✋ {name} 暂不能发布，以下必填内容为空：",
    }
    words: dict[Lang, str] = {"en": "TEXT", "zh": "内容"}
    messages: dict[Lang, Message] = {}
    for lang, head in heads.items():
        lines = tuple(
            (Text(f"{title[lang]}　"), Text(f"/digest fill {name} {slot} {words[lang]}", "code"))
            for slot, title in lacking
        )
        messages[lang] = Message(
            summary=f"{head} {', '.join(title[lang] for _, title in lacking)}",
            title=(Text(head),),
            blocks=(Paragraph(lines),),
        )
    return messages


def _note(text: str) -> Message:
    return Message(summary=text, title=(Text(text, "italic"),))
