"""The settings of what the store keeps for how long."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

from bot.routing.settings import duration

Duration = Annotated[timedelta, BeforeValidator(duration)]


class RetentionSettings(BaseModel):
    """How long the tape keeps what was evaluated, and the delivery log what was sent.

    Prices are kept apart from the tape, packed. A notice whose log line is gone could be sent a second time.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    tape: Duration = timedelta(days=2)
    log: Duration = timedelta(days=400)
