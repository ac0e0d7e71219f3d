"""The states of a call as a table: every event in every state has one answer, and a dialled call never goes back.

    QUEUED ⇄ SLOT_RESERVED ─▶ DIALING ─▶ RINGING ─▶ ANSWERED ─▶ ENDED
       ▲                         │
       └── certainly not placed ─┘

Status webhooks come late, doubled and in any order; one that tells of a stage already passed changes nothing.
"""

from enum import StrEnum


class CallStatus(StrEnum):
    """How far a call has come."""

    QUEUED = "queued"
    SLOT_RESERVED = "slot_reserved"
    DIALING = "dialing"
    RINGING = "ringing"
    ANSWERED = "answered"
    ENDED = "ended"


class CallEvent(StrEnum):
    """What can happen to a call."""

    SLOT_GRANTED = "slot_granted"
    SLOT_LOST = "slot_lost"
    DIALLED = "dialled"
    NOT_PLACED = "not_placed"  # the provider certainly does not have it
    PLACED = "placed"  # the provider certainly has it
    RANG = "rang"
    ANSWERED = "answered"
    FINISHED = "finished"


UNDIALLED = frozenset({CallStatus.QUEUED, CallStatus.SLOT_RESERVED})

_Q, _S, _D, _R, _A, _E = CallStatus
_TABLE: dict[CallEvent, tuple[CallStatus, ...]] = {
    # event                     QUEUED  SLOT  DIALING  RINGING  ANSWERED  ENDED
    CallEvent.SLOT_GRANTED: (_S, _S, _D, _R, _A, _E),
    CallEvent.SLOT_LOST: (_Q, _Q, _D, _R, _A, _E),
    CallEvent.DIALLED: (_D, _D, _D, _R, _A, _E),
    CallEvent.NOT_PLACED: (_Q, _S, _Q, _R, _A, _E),
    CallEvent.PLACED: (_D, _D, _D, _R, _A, _E),
    CallEvent.RANG: (_R, _R, _R, _R, _A, _E),
    CallEvent.ANSWERED: (_A, _A, _A, _A, _A, _E),
    CallEvent.FINISHED: (_E, _E, _E, _E, _E, _E),
}
TRANSITIONS: dict[tuple[CallStatus, CallEvent], CallStatus] = {
    (status, event): after for event, row in _TABLE.items() for status, after in zip(CallStatus, row, strict=True)
}


def after(status: CallStatus, event: CallEvent) -> CallStatus:
    """The state after the event; the same when the event tells nothing new."""
    return TRANSITIONS[status, event]
