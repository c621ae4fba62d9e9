"""What a figure is measured in, and what may be combined with what.

A unit is a short text: ``""`` plain number, ``bool``, ``%`` (a fraction shown in percent), ``pp`` (the difference of
two such, in points), ``bp`` (a literal that fits both), ``price:USD`` (a quotation, comparable with plain numbers),
``money:USD`` (an amount, not comparable with them), ``s`` (seconds), ``days``, ``date`` (days since 1970), ``any`` (not
known, after a mistake).
"""

from __future__ import annotations

from typing import Final, NamedTuple

ANY: Final = "any"
PLAIN: Final = ""
BOOL: Final = "bool"
_ADDITIVE: Final = {
    ("%", "%", "-"): "pp",
    ("%", "pp", "+"): "%",
    ("%", "pp", "-"): "%",
    ("pp", "%", "+"): "%",
    ("date", "date", "-"): "days",
    ("date", "days", "+"): "date",
    ("date", "days", "-"): "date",
}


_COMPARABLE: Final = ({"%", ""}, {"pp", ""}, {"price", ""}, {"days", ""}, {"bp", "%"}, {"bp", "pp"}, {"bp", ""})


class Doubt(NamedTuple):
    """Why two units don't go together; a warning leaves the expression usable."""

    code: str
    message: str
    warning: bool = False


def name_of(unit: str) -> str:
    """The unit in words, for messages."""
    base, _, currency = unit.partition(":")
    words = {
        "": "a plain number",
        "bool": "a condition",
        "%": "a percentage",
        "pp": "percentage points",
        "bp": "basis points",
    }
    words |= {
        "s": "a length of time",
        "days": "days",
        "date": "a date",
        "price": f"a price in {currency or 'mixed currencies'}",
    }
    return words.get(base) or (f"money in {currency}" if base == "money" else unit)


def currency(unit: str) -> str:
    """The currency of a price or an amount, else ``""``."""
    base, _, code = unit.partition(":")
    return code if base in {"price", "money"} else ""


def compare(left: str, right: str, *, zero: bool = False) -> Doubt | None:
    """What is wrong with comparing the units.

    ``zero`` says that one side is a literal 0, which has every unit but another currency.
    """
    kinds = {left.partition(":")[0], right.partition(":")[0]}
    if kinds <= {"price", "money"}:
        return _currencies(left, right)
    if ANY in kinds or left == right or zero or kinds in _COMPARABLE:
        return None
    if kinds == {"%", "pp"}:
        return Doubt(
            "percent-with-points", "a percentage and percentage points are different things; write both as % or as pp"
        )
    if kinds == {"money", ""}:
        amount = left if left.startswith("money") else right
        code = currency(amount)
        return Doubt(
            "money-with-number", f"money in {code} is compared with a plain number; write 5bn {code}", warning=True
        )
    return Doubt("units-differ", f"{name_of(left)} can't be compared with {name_of(right)}")


def _currencies(left: str, right: str) -> Doubt | None:
    ours, theirs = currency(left), currency(right)
    if not ours or not theirs or ours == theirs:
        return None
    return Doubt("currencies-differ", f"{name_of(left)} can't be combined with {name_of(right)}")


def combine(op: str, left: str, right: str, *, zero: bool = False) -> tuple[str, Doubt | None]:
    """The unit of ``left op right`` for ``+ - * /``, and what is wrong with it."""
    if ANY in (left, right):
        return ANY, None
    if BOOL in (left, right):
        return ANY, Doubt("condition-in-arithmetic", f"a condition can't be used with {op}; use and, or, not")
    return _sum(op, left, right, zero=zero) if op in "+-" else (_product(op, left, right), None)


def _sum(op: str, left: str, right: str, *, zero: bool) -> tuple[str, Doubt | None]:
    if (known := _ADDITIVE.get((left, right, op))) is not None:
        return known, None
    if left == right:
        return left, None
    if "bp" in (left, right):
        return (left if right == "bp" else right), None
    kinds = {left.partition(":")[0], right.partition(":")[0]}
    if kinds in ({"%", ""}, {"pp", ""}):
        return PLAIN, None
    doubt = compare(left, right, zero=zero)
    return (left if left not in ("", "days") else right), doubt


def _product(op: str, left: str, right: str) -> str:
    kinds = (left.partition(":")[0], right.partition(":")[0])
    if op == "/":
        if left == right or kinds in (("price", "price"), ("price", ""), ("money", "money")):
            return PLAIN
        return left if right == "" else PLAIN
    scalars = {"", "%", "pp", "bp"}
    if kinds[0] in scalars and kinds[1] in scalars:
        return PLAIN if "" not in kinds else (left or right)
    if kinds[0] in scalars or kinds[1] in scalars:
        return right if kinds[0] in scalars else left
    return PLAIN
