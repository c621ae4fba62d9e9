"""The reference week's digest, built once."""

import json
from typing import Any

import pytest

from bot.digest import Digest, build
from bot.reference.imported import digest_data
from bot.reference.recording import FRIDAY, recording
from rules.loading.universe_file import load_universe
from rules.universe import Universe


@pytest.fixture(scope="session")
def universe() -> Universe:
    """The universe that is shipped."""
    return load_universe()


@pytest.fixture(scope="session")
def digest(universe: Universe) -> Digest:
    """The digest of 28 October to 1 November 2024."""
    return build(digest_data(recording(universe)), FRIDAY, universe)


@pytest.fixture(scope="session")
def document(digest: Digest) -> dict[str, Any]:
    """The same as JSON, read back."""
    parsed: dict[str, Any] = json.loads(digest.to_json())
    return parsed
