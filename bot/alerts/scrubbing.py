"""Outside text that no file and no service can hold, put right where it enters delivery."""

from __future__ import annotations

from dataclasses import replace

from rules.model import Lang, Localized, Transition

_LANGS: tuple[Lang, ...] = ("en", "zh")


def scrubbed(transition: Transition) -> Transition:
    """``transition`` without lone surrogates (halves of characters, from broken JSON of a source), which become ``?``.

    They have no UTF-8, so one of them would keep a whole turn of the engine from being committed.
    """
    lines = tuple(
        replace(
            line,
            expression=_whole(line.expression),
            value=_whole(line.value),
            source=_whole(line.source),
            chinese=_whole(line.chinese),
        )
        for line in transition.trace.lines
    )
    trace = replace(transition.trace, lines=lines, deciding=_whole(transition.trace.deciding))
    return replace(
        transition,
        alert=_whole(transition.alert),
        rule=_whole(transition.rule),
        unit=_whole(transition.unit),
        labels={_whole(name): _whole(value) for name, value in transition.labels.items()},
        title=_localized(transition.title),
        say=_localized(transition.say),
        because=_whole(transition.because),
        trace=trace,
        sources=tuple(map(_whole, transition.sources)),
        options={name: _whole(value) for name, value in transition.options.items()},
    )


def _whole(text: str) -> str:
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _localized(texts: Localized) -> Localized:
    return {lang: _whole(texts[lang]) for lang in _LANGS}
