"""docs/sources.md names every source that can be asked."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_source_is_documented() -> None:
    """Each ``NAME`` of a module in adapters/feeds stands in the document as code."""
    modules = (ROOT / "adapters" / "feeds").glob("*.py")
    names = {found for path in modules for found in re.findall(r'^NAME = "(\w+)"', path.read_text(), re.M)}
    documented = set(re.findall(r"`(\w+)`", (ROOT / "docs" / "sources.md").read_text()))
    own = {"etf_flows", "earnings"}
    assert {"farside", "sec"} <= names
    assert names - own - documented == set()
