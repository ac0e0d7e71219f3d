"""Misbehaviour that can be switched at run time, decided by seeded dice."""

import random
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

Probability = Annotated[float, Field(ge=0.0, le=1.0)]
Seconds = Annotated[float, Field(ge=0.0, le=600.0)]


class Modes(BaseModel):
    """How the carrier misbehaves; every field's zero means that it does not.

    Seconds here are real ones: SANDBOX_SPEED does not shorten them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    seed: int = Field(1, description="restarts the dice, so that a run can be repeated")
    flaky: Probability = Field(0.0, description="share of API requests answered 500 or 503 without being processed")
    lying: Probability = Field(0.0, description="share of creates that are accepted, then the connection is dropped")
    lying_error: Probability = Field(0.0, description="share of creates that are accepted, then answered 500")
    slow_seconds: Seconds = Field(0.0, description="delay of each answer; half passes before the request takes effect")
    rate_limit_per_second: Annotated[float, Field(ge=0.0)] = Field(0.0, description="429 above it; 0 is no limit")
    list_lag_seconds: Seconds = Field(0.0, description="lists do not show what is younger than this; fetch does")
    receipts_doubled: Probability = Field(0.0, description="share of status callbacks posted twice")
    receipts_reordered: Probability = Field(
        0.0, description="share of status callbacks held back until later ones went"
    )
    receipts_missing: Probability = Field(0.0, description="share of status callbacks never posted")
    receipts_held_seconds: Seconds = Field(1.0, description="how long a reordered status callback is held back")


class Faults:
    """The current modes and the dice that apply them.

    Args:
        modes: what to start with.
    """

    def __init__(self, modes: Modes) -> None:
        self.modes = modes
        self._dice = random.Random(modes.seed)  # noqa: S311 - repeatable on purpose, guards nothing
        self._tokens = 0.0
        self._refilled_at = 0.0

    def switch(self, changes: dict[str, object]) -> Modes:
        """Replaces the named modes and starts the dice again from the seed.

        Raises:
            pydantic.ValidationError: a name is unknown or a value out of range; nothing is changed then.
        """
        self.modes = Modes.model_validate({**self.modes.model_dump(), **changes})
        self._dice.seed(self.modes.seed)
        self._tokens = self.modes.rate_limit_per_second
        return self.modes

    def happens(self, probability: float) -> bool:
        """Throws the dice, unless nothing can happen: so a mode that is off does not disturb the others' sequence."""
        return probability > 0.0 and self._dice.random() < probability

    def server_error(self) -> int | None:
        """The 5xx status to answer without processing the request, if any."""
        if not self.happens(self.modes.flaky):
            return None
        return self._dice.choice((500, 503))

    def over_rate(self, now_seconds: float) -> bool:
        """True when the request exceeds the rate; a bucket of one second's worth (at least 1) refills steadily.

        Args:
            now_seconds: a monotonic clock.
        """
        rate = self.modes.rate_limit_per_second
        if rate <= 0.0:
            return False
        refill = (now_seconds - self._refilled_at) * rate
        self._tokens = min(max(rate, 1.0), self._tokens + refill)
        self._refilled_at = now_seconds
        if self._tokens < 1.0:
            return True
        self._tokens -= 1.0
        return False
