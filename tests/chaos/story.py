"""What must be true of a customer once everything has ended, counted where it cannot lie."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from common.events.envelope import Envelope
from common.events.ledger import (
    CallAccepted,
    CallAnswered,
    CallEnded,
    CallKeyPressed,
    CallQueued,
    NotificationAccepted,
    NotificationDelivered,
    NotificationScheduled,
    TaskCallOrdered,
    TaskCallOutcomeRecorded,
    TaskClosed,
    TaskOpened,
)
from tests.chaos.services import CALLBACK, DIALER, NOTIFIER
from tests.support.sandbox import Entry


@dataclass(frozen=True)
class Story:
    """A path through the services for one customer.

    Attributes:
        services: which services take part.
        messages: how many SMS the carrier must have been asked for.
        calls: how many calls.
        told: service → ledger event type → how often it must stand on the ledger once doubles are dropped. When all of
            them stand there, everything has ended.
    """

    services: tuple[str, ...]
    messages: int
    calls: int
    told: Mapping[str, Mapping[str, int]]

    def missing(self, ledger: Sequence[Envelope]) -> list[str]:
        """What has not been told yet."""
        counted = counts(ledger)
        return [
            f"{service} has told {event_type} {counted[service, event_type]} times of {number}"
            for service, expected in self.told.items()
            for event_type, number in expected.items()
            if counted[service, event_type] < number
        ]

    def wrong(self, ledger: Sequence[Envelope], book: Sequence[Entry]) -> Iterator[str]:
        """What can never come right any more: losses and doubles, at the carrier and on the ledger."""
        for kind, number in (("message", self.messages), ("call", self.calls)):
            found = sum(entry["kind"] == kind for entry in book)
            if found != number:
                yield f"the carrier was asked for {found} {kind}s instead of {number}"
        counted = counts(ledger)
        for service, expected in self.told.items():
            for event_type, number in expected.items():
                if counted[service, event_type] != number:
                    yield f"{service} told {event_type} {counted[service, event_type]} times instead of {number}"
        yield from gaps(ledger)


def counts(ledger: Iterable[Envelope]) -> Counter[tuple[str, str]]:
    """How often each service told each type, doubles dropped."""
    return Counter((entry.service or "", entry.type) for entry in unique(ledger))


def unique(ledger: Iterable[Envelope]) -> list[Envelope]:
    """The ledger as its readers see it: the first of each event id, in the order of the topic."""
    first: dict[str, Envelope] = {}
    for entry in ledger:
        first.setdefault(entry.id, entry)
    return list(first.values())


def gaps(ledger: Sequence[Envelope]) -> Iterator[str]:
    """Where a customer's entries of one service are not numbered 1, 2, 3 … in the order of the topic."""
    contents: dict[str, str] = {}
    for entry in ledger:
        if contents.setdefault(entry.id, entry.digest) != entry.digest:
            yield f"two entries with other contents have the id {entry.id}"
    by_service: dict[str, list[int]] = {}
    for entry in unique(ledger):
        by_service.setdefault(entry.service or "", []).append(entry.sequence or 0)
    for service, numbers in by_service.items():
        if numbers != list(range(1, len(numbers) + 1)):
            yield f"{service}'s entries are numbered {numbers}"


TOLD_HOW_TO_PAY = Story(
    services=(NOTIFIER, CALLBACK, DIALER),
    messages=2,
    calls=1,
    told={
        NOTIFIER: {NotificationScheduled.TYPE: 2, NotificationAccepted.TYPE: 2, NotificationDelivered.TYPE: 2},
        CALLBACK: {
            TaskOpened.TYPE: 1,
            TaskCallOrdered.TYPE: 1,
            TaskCallOutcomeRecorded.TYPE: 1,
            TaskClosed.TYPE: 1,
        },
        DIALER: {
            CallQueued.TYPE: 1,
            CallAccepted.TYPE: 1,
            CallAnswered.TYPE: 1,
            CallKeyPressed.TYPE: 1,
            CallEnded.TYPE: 1,
        },
    },
)
"""The whole path: an SMS tells of the failed payment, a call follows, key 1 brings a second SMS and ends the task."""
