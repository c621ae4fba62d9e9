"""The words after a verb, taken by what they are, in any order."""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import TypeVar

from adapters.message import Button
from adapters.rendering.text import clean, shorten
from bot.commands.errors import Refusal, button, cancel
from bot.market.windows import Window
from rules.model import Lang
from rules.universe import Instrument, Universe

T = TypeVar("T")

LONGEST_TEXT = 1000
LONGEST_PROSE = 4000
"""Of an analyst's texts."""
MOST_WORDS = 60
MOST_OFFERED = 24
_MOST_WORDS_OF_A_NAME = 5
_MOST_MEANT = 5
_WORD = re.compile(r'"([^"]*)"|“([^”]*)”|(\S+)')
_WINDOW_LIKE = re.compile(r"\d+[a-z]{1,3}|[a-z]td", re.IGNORECASE)
WINDOWS: Mapping[str, Window] = {
    **{window.value: window for window in Window},
    **dict.fromkeys(("today", "day", "今日", "今天", "日"), Window.DAY),
    **dict.fromkeys(("week", "本周", "周"), Window.WEEK),
    **dict.fromkeys(("month", "本月", "月"), Window.MONTH),
    **dict.fromkeys(("year", "今年", "年初至今", "年"), Window.YEAR),
}


def split(text: str) -> list[str]:
    """Cut a request into words: visible characters, full-width forms as their narrow ones, quotes kept together."""
    plain = clean(unicodedata.normalize("NFKC", text))
    return [next(part for part in match.groups() if part is not None) for match in _WORD.finditer(plain)]


def shown(word: str) -> str:
    """``word`` as an error repeats it: short, on one line."""
    return shorten(clean(word), 40)


class Arguments:
    """The words that are still to be understood; each ``take`` removes what it understood, wherever it stood.

    ``verb`` is what was asked.
    """

    def __init__(self, verb: str, words: Iterable[str], *, text: str | None = None) -> None:
        self.verb = verb
        self.all = tuple(words)
        self.text = " ".join(self.all) if text is None else text
        """What was typed, quotes and all."""
        self._left = list(self.all)
        self._accepted: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._left)

    @property
    def left(self) -> tuple[str, ...]:
        """What no ``take`` has understood yet."""
        return tuple(self._left)

    def after(self, words: Collection[str]) -> str:
        """What stands behind the first of ``words``, which ends the arguments; empty without one of them."""
        for index, word in enumerate(self._left):
            if word.casefold().rstrip(":") in words:
                found = " ".join(self._left[index + 1 :])
                del self._left[index:]
                return found
        return ""

    def choice(self, options: Mapping[str, T], default: T, *, offered: bool = True) -> T:
        """The value of the first word that is a key of ``options`` (in any case), else ``default``.

        Options that aren't ``offered`` are too many to be listed in an error.
        """
        if offered:
            self._accepted |= options.keys()
        for index, word in enumerate(self._left):
            if word.casefold() in options:
                del self._left[index]
                return options[word.casefold()]
        return default

    def window(self, default: Window, *, example: str) -> Window:
        """A window; one that is written like a window but isn't supported is refused with those that are."""
        return self.span(WINDOWS, default, example=example)

    def span(self, options: Mapping[str, T], default: T, *, example: str) -> T:
        """Like ``choice`` for spans of time: what looks like one and isn't in ``options`` is refused."""
        found = self.choice(options, default)
        for word in self._left:
            if _WINDOW_LIKE.fullmatch(word):
                shortest = {value: name for name, value in reversed(list(options.items()))}
                known = " ".join(name for name in options if name in shortest.values())
                raise Refusal("error.window", word=shown(word), known=known, example=example)
        return found

    def integer(self, default: int, *, low: int, high: int) -> int:
        """The first whole number (``5`` or ``n=5``), which must lie from ``low`` to ``high``."""
        for index, word in enumerate(self._left):
            match = re.fullmatch(r"(?:n=)?([+-]?\d{1,9})", word, re.ASCII)
            if match:
                del self._left[index]
                number = int(match[1])
                if not low <= number <= high:
                    raise Refusal("error.number", word=shown(word), low=low, high=high)
                return number
        return default

    def instruments(self, universe: Universe, lang: Lang, *, most: int) -> list[Instrument]:
        """Every word or run of words that names an instrument, each once, in the order written."""
        found: dict[str, Instrument] = {}
        index = 0
        while index < len(self._left):
            taken, instrument = self._named_at(index, universe, lang)
            if instrument is None:
                index += 1
                continue
            del self._left[index : index + taken]
            found[instrument.symbol] = instrument
        if len(found) > most:
            raise Refusal("error.too_many", count=len(found), most=most)
        return list(found.values())

    def _named_at(self, index: int, universe: Universe, lang: Lang) -> tuple[int, Instrument | None]:
        for count in range(min(_MOST_WORDS_OF_A_NAME, len(self._left) - index), 0, -1):
            candidates = candidates_for(" ".join(self._left[index : index + count]), universe)
            if len(candidates) > 1:
                raise self._ambiguous(index, count, candidates, lang)
            if candidates:
                return count, candidates[0]
        return 1, None

    def _ambiguous(self, index: int, count: int, candidates: tuple[Instrument, ...], lang: Lang) -> Refusal:
        name = " ".join(self._left[index : index + count])
        others = [*self._left[:index], *self._left[index + count :]]
        buttons = tuple(
            choice for item in candidates for choice in button(item.name[lang], self.verb, *others, f"={item.symbol}")
        )
        what = ("、" if lang == "zh" else ", ").join(labelled(item, lang) for item in candidates)
        choices = (*buttons, *cancel(lang))
        return Refusal("error.ambiguous", buttons=choices, word=shown(name), count=len(candidates), what=what)

    def rest(self) -> str:
        """Everything that is left, as one text; nothing is left afterwards."""
        text, self._left = " ".join(self._left), []
        return text

    def _again(self, word: str, guesses: Sequence[Instrument]) -> tuple[Button, ...]:
        """Buttons that ask the same with a guess in place of ``word``."""
        others = [other for other in self.all if other != word]
        return tuple(
            choice for item in guesses for choice in button(item.symbol, self.verb, *others, f"={item.symbol}")
        )

    def done(self, universe: Universe | None = None, lang: Lang = "en") -> None:
        """Refuse what is left, with what may have been meant: an accepted word or, given a universe, a symbol."""
        if not self._left:
            return
        word = self._left[0]
        words = closest(word, {name: name for name in self._accepted})
        guesses = guessed(word, universe) if universe is not None else []
        nearer = closest(
            word, {item.symbol.casefold(): item.symbol for item in guesses} | {name: name for name in words}
        )
        if universe is not None and (not words or (guesses and nearer[:1] != words[:1])):
            raise unknown_symbol(word, guesses, lang, self._again(word, guesses))
        known = " ".join(sorted(name for name in self._accepted if name.isascii())[:MOST_OFFERED]) or "—"
        key = "error.word_near" if words else "error.word"
        raise Refusal(key, word=shown(word), guess=" ".join(words), known=known, verb=self.verb)


def candidates_for(word: str, universe: Universe) -> tuple[Instrument, ...]:
    """What ``word`` may name: a symbol (``=BTC`` that very one, ``$NVDA``, ``700`` for 0700.HK), an alias or a name.

    Of a Chinese name its beginning is enough.
    """
    name = word.strip().lstrip("$").strip()
    if name.startswith("="):
        exact = universe.by_symbol.get(name[1:])
        return (exact,) if exact else ()
    number = re.fullmatch(r"(\d{1,5})(?:\.hk)?", name, re.IGNORECASE | re.ASCII)
    hong_kong = f"{number[1].lstrip('0').zfill(4)}.HK" if number else ""
    return universe.candidates(name) or universe.candidates(hong_kong) or _by_chinese_part(name, universe)


def _by_chinese_part(part: str, universe: Universe) -> tuple[Instrument, ...]:
    """The instruments whose Chinese name begins with ``part``, two characters or more: 中芯 for 中芯国际."""
    if len(part) < 2 or not all("\u4e00" <= char <= "\u9fff" for char in part):
        return ()
    return tuple(item for item in universe.instruments if item.name["zh"].startswith(part))[:_MOST_MEANT]


def guessed(word: str, universe: Universe) -> list[Instrument]:
    """Up to three instruments that ``word`` may have been meant to name."""
    names = {
        name.casefold(): item.symbol
        for item in universe.instruments
        for name in (item.symbol, *item.aliases, *item.name.values())
    }
    return [universe.by_symbol[symbol] for symbol in closest(word, names)]


def unknown_symbol(word: str, guesses: Sequence[Instrument], lang: Lang, buttons: tuple[Button, ...]) -> Refusal:
    """The refusal of a word that names nothing, with ``buttons`` that ask again with one of the guesses."""
    if not guesses:
        return Refusal("error.symbol", word=shown(word))
    named = (" / " if lang == "zh" else ", ").join(labelled(item, lang) for item in guesses)
    return Refusal("error.symbol_near", buttons=(*buttons, *cancel(lang)), word=shown(word), guess=named)


def labelled(item: Instrument, lang: Lang) -> str:
    """``NVDA（英伟达）``, ``NVDA (Nvidia)``."""
    return f"{item.symbol}（{item.name[lang]}）" if lang == "zh" else f"{item.symbol} ({item.name[lang]})"


def closest(word: str, names: Mapping[str, str]) -> list[str]:
    """Up to three values of ``names`` whose keys are most like ``word``, each once."""
    bare = word.lstrip("$=").casefold()[:60]
    keys = difflib.get_close_matches(bare, names, n=6, cutoff=0.7)
    return list(dict.fromkeys(names[key] for key in keys))[:3]
