"""Attempts at a provider: reserved before the call, never repeated while their outcome is unknown.

    RESERVED ──accepted──▶ ACCEPTED          RESERVED ──429, refused connection──▶ REFUSED (never processed)
        │                     ▲              RESERVED ──refused for good─────────▶ FAILED
        └──time-out, crash──▶ UNKNOWN ──webhook or list entry──▶ ACCEPTED
                                 └──nothing found after the settle time──▶ NEVER_SENT

A webhook or list entry may arrive in any state and wins over all: it proves that the provider has it.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from common.kernel.decision import Moment


class AttemptState(StrEnum):
    """How much is known of one attempt."""

    RESERVED = "reserved"
    UNKNOWN = "unknown"
    ACCEPTED = "accepted"
    REFUSED = "refused"
    FAILED = "failed"
    NEVER_SENT = "never_sent"


OPEN = frozenset({AttemptState.RESERVED, AttemptState.UNKNOWN})
NEVER_PROCESSED = frozenset({AttemptState.REFUSED, AttemptState.NEVER_SENT})


@dataclass(frozen=True, slots=True)
class AttemptTiming:
    """A provider's times, as data.

    Attributes:
        start_within: an effect not started this long after its reservation is not started at all.
        deadline: the longest a provider call may take.
        settle: how long after the last possible moment of the call the provider's list and webhooks may still be
            silent about it (design: default 60 s; a list 2 s stale doubled 40 of 40 ambiguous sends).
        check_every: pause between two look-ups while the outcome is unknown.
    """

    start_within: timedelta = timedelta(seconds=5)
    deadline: timedelta = timedelta(seconds=10)
    settle: timedelta = timedelta(seconds=60)
    check_every: timedelta = timedelta(seconds=5)

    @property
    def window(self) -> timedelta:
        """From the reservation to the last moment at which its call may still be under way."""
        return self.start_within + self.deadline


@dataclass(frozen=True, slots=True)
class Attempt:
    """One reserved try.

    Attributes:
        attempt_id: unique for the customer.
        provider: which provider it was reserved for.
        request_hash: digest of what would be sent, to recognise it in the provider's list.
        reserved_at: when; for work in doubt, the earliest time at which it may have been done unrecorded.
        act_before: after this the call is not started.
        certain_from: from here on, silence of the provider proves that it was never sent.
        check_at: when to look it up next, while open.
        state: see the module.
        provider_sid: the provider's id, once known.
    """

    attempt_id: str
    provider: str
    request_hash: str
    reserved_at: datetime
    act_before: datetime
    certain_from: datetime
    check_at: datetime
    state: AttemptState = AttemptState.RESERVED
    provider_sid: str | None = None

    @property
    def open(self) -> bool:
        """Whether its outcome is still to be learnt."""
        return self.state in OPEN


def reserve(
    attempt_id: str, provider: str, request_hash: str, moment: Moment, timing: AttemptTiming, *, doubtful: bool = False
) -> Attempt:
    """A new attempt; UNKNOWN from the start when the work may already have been done.

    Args:
        doubtful: the item was in doubt when it was created; added to what the moment itself says.

    Returns:
        An attempt that may be called at once only if its state is RESERVED.
    """
    doubtful = doubtful or moment.in_doubt
    window_ends = moment.now + timing.window
    return Attempt(
        attempt_id=attempt_id,
        provider=provider,
        request_hash=request_hash,
        reserved_at=moment.since if doubtful else moment.now,
        act_before=moment.now + timing.start_within,
        certain_from=window_ends + timing.settle,
        check_at=moment.now if doubtful else window_ends,
        state=AttemptState.UNKNOWN if doubtful else AttemptState.RESERVED,
    )


def accepted(attempt: Attempt, provider_sid: str) -> Attempt:
    """The provider has it; the first id learnt stays."""
    return replace(attempt, state=AttemptState.ACCEPTED, provider_sid=attempt.provider_sid or provider_sid)


def refused(attempt: Attempt) -> Attempt:
    """The provider certainly did not process it and it may be tried again; ignored once more is known."""
    return replace(attempt, state=AttemptState.REFUSED) if attempt.state is AttemptState.RESERVED else attempt


def failed(attempt: Attempt) -> Attempt:
    """The provider refused it for good; ignored once the provider is known to have it."""
    return replace(attempt, state=AttemptState.FAILED) if attempt.open else attempt


def unknown(attempt: Attempt, now: datetime) -> Attempt:
    """Nobody can say what became of the call: look it up from now on."""
    if attempt.state is not AttemptState.RESERVED:
        return attempt
    return replace(attempt, state=AttemptState.UNKNOWN, check_at=now)


def looking_up(attempt: Attempt, now: datetime, timing: AttemptTiming) -> Attempt:
    """A look-up begins: the next one is due only after this one must have ended."""
    state = AttemptState.UNKNOWN if attempt.open else attempt.state
    return replace(attempt, state=state, check_at=now + timing.deadline + timing.check_every)


def not_found(attempt: Attempt, asked_at: datetime, now: datetime, timing: AttemptTiming) -> Attempt:
    """A look-up that was begun at `asked_at` found nothing.

    Only a look-up begun after `certain_from` proves anything: a list may lag, a call may still be under way.
    """
    if attempt.state is not AttemptState.UNKNOWN:
        return attempt
    if asked_at >= attempt.certain_from:
        return replace(attempt, state=AttemptState.NEVER_SENT)
    return replace(attempt, check_at=min(now + timing.check_every, max(attempt.certain_from, now)))


def clock(attempt: Attempt) -> datetime | None:
    """When the attempt next needs attention by itself; None once its outcome is known."""
    return attempt.check_at if attempt.open else None
