"""Receipts as a lattice: whatever order and number they come in, the same state results.

    queued < sent < failed < undelivered < delivered

Above `sent` they contradict each other; the better proof of the message having arrived wins.
"""

from enum import StrEnum

from services.notifier.domain.model import ENDED, Status


class Receipt(StrEnum):
    """What a provider says of a message, in words that are the same for all providers."""

    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"
    UNDELIVERED = "undelivered"
    DELIVERED = "delivered"


STATUS_OF = {
    Receipt.SENT: Status.SENT,
    Receipt.FAILED: Status.FAILED,
    Receipt.UNDELIVERED: Status.UNDELIVERED,
    Receipt.DELIVERED: Status.DELIVERED,
}
RANK = {
    Status.WAITING: 0,
    Status.SENDING: 0,
    Status.ACCEPTED: 0,
    Status.EXPIRED: 0,  # given up waiting for a receipt, and here it is
    Status.SENT: 1,
    Status.FAILED: 2,
    Status.UNDELIVERED: 3,
    Status.DELIVERED: 4,
}


def advanced(status: Status, receipt: Receipt) -> Status:
    """The status after the receipt: never a step back."""
    told = STATUS_OF.get(receipt)
    if told is None or (status in ENDED and status not in RANK):
        return status
    return told if RANK[told] > RANK[status] else status
