"""The page for operators says what can be set: each key of the settings and each variable of the environment."""

import re
import typing
from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from bot.app.live import ROLES
from bot.settings import NAMED_SECRETS, RESERVED, SECRETS, Settings

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text(encoding="utf-8")
ROWS = {name for cell in re.findall(r"^\| (`[^|]+`) \|", PAGE, re.MULTILINE) for name in re.findall(r"`([^`]+)`", cell)}
ELSEWHERE = {"routing"}
"""Sections that have a page of their own."""


def keys(model: type[BaseModel], prefix: str = "") -> Iterator[str]:
    """Every key with its sections; a section that is documented elsewhere stands for its keys."""
    for name, field in model.model_fields.items():
        if name == "secrets":
            continue
        kind = field.annotation
        if name not in ELSEWHERE and isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from keys(kind, f"{prefix}{name}.")
            continue
        inner = [item for item in typing.get_args(kind) if isinstance(item, type) and issubclass(item, BaseModel)]
        if inner:
            yield from keys(inner[0], f"{prefix}{name}.NAME.")
        else:
            yield prefix + name


@pytest.mark.parametrize("key", sorted(keys(Settings)))
def test_each_setting_has_a_row(key: str) -> None:
    """What can be set in the file is documented."""
    assert key in ROWS


@pytest.mark.parametrize("name", sorted({*SECRETS, *NAMED_SECRETS, *RESERVED, "TELEGRAM_BASE_URL", "SLACK_BASE_URL"}))
def test_each_variable_has_a_row(name: str) -> None:
    """What the environment alone may hold is documented."""
    assert name in ROWS


@pytest.mark.parametrize("role", ROLES)
def test_each_role_has_a_row(role: str) -> None:
    """What can be run is documented."""
    assert role in ROWS


def test_no_row_names_a_setting_that_is_gone() -> None:
    """A key in the table exists."""
    known = {*keys(Settings)}
    sections = {key.partition(".")[0] for key in known if "." in key}
    documented = {row for row in ROWS if row.partition(".")[0] in sections and "." in row}
    assert documented - known == set()
