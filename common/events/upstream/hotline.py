"""Facts about conversations with the hotline that broke off."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from pydantic import Field

from common.events.model import Fact
from common.events.vocabulary import Moment, Name, Reference

_INTERACTION: Mapping[str, Any] = {"interaction_id": "ivr-20261120-5521", "topic": "claim_progress"}

Seconds = Annotated[int, Field(ge=0, le=86_400)]


class HotlineFact(Fact):
    """What every event of one conversation names; `topic` is the intent that was recognised, if any."""

    interaction_id: Reference
    topic: Name | None = None


class HotlineCallAbandoned(HotlineFact):
    """The caller hung up while waiting, or the line dropped."""

    TYPE: ClassVar[str] = "hotline.call_abandoned.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        **_INTERACTION,
        "queue": "claims",
        "waited_seconds": 95,
        "abandoned_at": "2026-11-20T02:15:00Z",
    }

    queue: Name | None = None
    waited_seconds: Seconds | None = None
    abandoned_at: Moment


class HotlineBotUnresolved(HotlineFact):
    """The bot did not solve it within its turns."""

    TYPE: ClassVar[str] = "hotline.bot_unresolved.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {**_INTERACTION, "turns": 4, "ended_at": "2026-11-20T02:15:00Z"}

    turns: Annotated[int, Field(ge=0, le=1000)]
    ended_at: Moment


class HotlineTransferFailed(HotlineFact):
    """A transfer to a person did not come about."""

    TYPE: ClassVar[str] = "hotline.transfer_failed.v1"
    EXAMPLE: ClassVar[Mapping[str, Any]] = {
        **_INTERACTION,
        "to_queue": "claims",
        "reason_code": "no_agent_free",
        "failed_at": "2026-11-20T02:15:00Z",
    }

    to_queue: Name | None = None
    reason_code: Reference | None = None
    failed_at: Moment
