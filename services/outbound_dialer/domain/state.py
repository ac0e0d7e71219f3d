"""What the dialer knows of one customer: profile subset, calls, refusals and recent contacts."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from common.events.vocabulary import CallOutcome, Priority, Purpose
from common.ids import derived_id
from common.kernel.attempts import Attempt
from services.outbound_dialer.domain.lifecycle import UNDIALLED, CallEvent, CallStatus, after


@dataclass(frozen=True, slots=True)
class Profile:
    """The part of a customer's profile that dialling needs."""

    time_zone: str
    jurisdiction: str
    language: str


@dataclass(frozen=True, slots=True)
class CallContext:
    """The story a call belongs to, as its orderer named it; empty where nothing was said."""

    task_id: str = ""
    scenario: str = ""
    correlation_id: str = ""
    causation_id: str = ""
    traceparent: str = ""


@dataclass(frozen=True, slots=True)
class Order:
    """What was ordered; never changes, but is emptied of personal data when the call has ended.

    Attributes:
        request_hash: digest of everything but the context; empty for a key that was cancelled before it was ordered.
        language: empty takes that of the profile.
        doubtful: it may have been dialled before without this document knowing (the store had lost writes).
    """

    idempotency_key: str
    request_hash: str
    phone_number: str
    masked_number: str
    purpose: Purpose
    flow: str
    language: str
    variables: dict[str, str]
    earliest: datetime
    latest: datetime
    priority: Priority
    context: CallContext
    doubtful: bool = False


@dataclass(frozen=True, slots=True)
class KeyPress:
    """A key the customer pressed, and the flow's name for it."""

    key: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Call:
    """One call.

    Attributes:
        since: while undialled, from when on it might have been dialled; what the store lost later may hold a dial.
        try_at: while undialled, when to look at it next; None waits for the profile.
        attempts: the newest few, oldest first.
        attempt_number: of the newest attempt, refused ones included; makes attempt ids unique.
        live_attempt: the attempt whose news move the call.
        refusals: how often in a row the provider or the pacing said "not now".
        never_sent: how many attempts were found never to have reached the provider.
        fetch_at: once placed, when to ask the provider for its state if no webhook came.
        held_for: why it waits, as last told on the ledger.
        machine: the provider's name for the machine that answered, empty for none.
        provider_call_sid: the provider's id of an ended call.
        cancelled: the reason of a cancellation that came after dialling had begun.
        revision: grows with each change.
    """

    call_id: str
    order: Order
    queued_at: datetime
    since: datetime
    status: CallStatus = CallStatus.QUEUED
    try_at: datetime | None = None
    attempts: tuple[Attempt, ...] = ()
    attempt_number: int = 0
    live_attempt: str = ""
    refusals: int = 0
    never_sent: int = 0
    fetch_at: datetime | None = None
    held_for: str = ""
    keys: tuple[KeyPress, ...] = ()
    machine: str = ""
    cancelled: str = ""
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    outcome: CallOutcome | None = None
    reason_code: str = ""
    provider_call_sid: str = ""
    revision: int = 0

    @property
    def open(self) -> bool:
        """Whether it has not ended."""
        return self.status is not CallStatus.ENDED

    @property
    def undialled(self) -> bool:
        """Whether no attempt is under way."""
        return self.status in UNDIALLED

    def attempt(self, attempt_id: str) -> Attempt | None:
        """The attempt of this id, if it is still known."""
        return next((attempt for attempt in self.attempts if attempt.attempt_id == attempt_id), None)

    @property
    def live(self) -> Attempt | None:
        """The attempt whose news move the call."""
        return self.attempt(self.live_attempt)

    def having(self, attempt: Attempt) -> "Call":
        """The call with this attempt in place of its former self, or added."""
        if self.attempt(attempt.attempt_id) is None:
            return replace(self, attempts=(*self.attempts, attempt)[-MAX_ATTEMPTS_KEPT:])
        kept = (attempt if one.attempt_id == attempt.attempt_id else one for one in self.attempts)
        return replace(self, attempts=tuple(kept))

    def moved(self, event: CallEvent) -> "Call":
        """The call after the event, by the table of `lifecycle`."""
        return replace(self, status=after(self.status, event))


MAX_ATTEMPTS_KEPT = 3
"""Enough to know late news of an older attempt; a provider that refuses for hours must not grow the document."""


@dataclass(frozen=True, slots=True)
class Contact:
    """A dialled call, for frequency caps and redial pauses."""

    at: datetime
    task_id: str
    call_id: str
    connected: bool = False


@dataclass(frozen=True, slots=True)
class DialerState:
    """The document of one customer.

    Attributes:
        calls: by id, in the order they were placed.
        opted_out: purpose class → when the customer refused such calls.
        contacts: recent dials, oldest first, bounded.
        profile_told_at: when the newest word on the profile was said; a healed older one must not win.
        erased: the customer's profile was erased; nothing new is dialled.
    """

    customer_id: str
    profile: Profile | None = None
    calls: dict[str, Call] = field(default_factory=dict)
    opted_out: dict[str, datetime] = field(default_factory=dict)
    contacts: tuple[Contact, ...] = ()
    profile_told_at: datetime | None = None
    erased: bool = False

    def call_of_key(self, idempotency_key: str) -> Call | None:
        """The call that was ordered with the key, if it is still known."""
        return self.calls.get(call_id_of(idempotency_key))

    def with_call(self, call: Call) -> "DialerState":
        """The state with the call changed; its revision goes up only if something did."""
        known = self.calls.get(call.call_id)
        if known == call:
            return self
        revised = replace(call, revision=known.revision + 1 if known else 1)
        return replace(self, calls={**self.calls, call.call_id: revised})

    def with_calls(self, calls: Mapping[str, Call]) -> "DialerState":
        """The state with exactly these calls."""
        return replace(self, calls=dict(calls))


def empty_state(customer_id: str) -> DialerState:
    """The state of a customer nobody has told us about."""
    return DialerState(customer_id=customer_id)


def call_id_of(idempotency_key: str) -> str:
    """The call id that a key names, for ever."""
    return derived_id("c", idempotency_key)


def attempt_id_of(call_id: str, number: int) -> str:
    """`<call_id>/<n>`; the provider carries it, sealed, in every webhook's URL."""
    return f"{call_id}/{number}"


def number_of(attempt_id: str) -> int:
    """The `<n>` of an attempt id; 0 if it has none."""
    number = attempt_id.rpartition("/")[2]
    return int(number) if number.isdecimal() else 0


def call_id_of_attempt(attempt_id: str) -> str:
    """The call an attempt belongs to."""
    return attempt_id.rpartition("/")[0]
