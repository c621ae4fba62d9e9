"""Word that rules have changed, from whoever changed them to every process that runs or shows rules."""

from __future__ import annotations

import json
import secrets
from collections.abc import Mapping

from adapters.store.port import Documents

COLLECTION = "rule_changes"
FILES, PERSONAL = "files", "personal"


async def announce(documents: Documents, what: str, mark: str = "") -> None:
    """Say that the rules of ``what`` are others than before; call it after they were stored.

    ``mark`` names them, so that who has them already need not look; without it a new one is made up.
    """
    await documents.put(COLLECTION, what, json.dumps(mark or secrets.token_hex(8)))


async def announced(documents: Documents) -> Mapping[str, str]:
    """A mark for each kind of rules; a kind whose mark is another than before has changed."""
    return {what: json.loads(text) for what, text in (await documents.all(COLLECTION)).items()}
