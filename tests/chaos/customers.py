"""Invented customers of chaos runs, what upstream says of them, and what must have happened to them in the end."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import count, product

from cli.samples.people import AREAS
from common.events.envelope import Envelope
from common.events.profiles import Consent, CustomerProfile, PhoneNumber
from common.events.topics import partition_for
from common.events.upstream import PremiumPaymentFailed, PremiumPaymentSucceeded
from common.events.vocabulary import Purpose

SOURCE = "/chaos"
AMOUNT = Decimal("365.00")
ORDINARY_SUFFIXES = range(80)
"""The sandbox's customers with such numbers get messages, answer the phone and press 1; others have habits."""

PROBED_SHARD = 0
"""Services look at this shard every second to see whether Redis answers; a customer in it would count the looks."""


@dataclass(frozen=True)
class Customer:
    """One customer; the number is reserved for fiction and nobody else's in the same run of a sandbox."""

    customer_id: str
    phone_number: str

    @property
    def shard(self) -> int:
        """The partition of everything that is said of this customer."""
        return partition_for(self.customer_id)

    def profile(self) -> Envelope:
        """Who this is; may be called at any hour under the `demo` overlay's calling hours."""
        now = datetime.now(UTC)
        return self._told(
            "profile",
            CustomerProfile(
                customer_id=self.customer_id,
                name="Ada Sample",
                phone_numbers=(PhoneNumber(phone_number=self.phone_number),),
                language="en",
                time_zone="America/New_York",
                region="US-NY",
                jurisdiction="US",
                consent={Purpose.SERVICE: Consent(granted=True, at=now - timedelta(days=400), proof="contract/P-1")},
            ),
        )

    def payment_failed(self) -> Envelope:
        """A premium could not be collected today."""
        now = datetime.now(UTC)
        failed = PremiumPaymentFailed(
            policy_id=f"P-{self.customer_id}",
            amount=AMOUNT,
            currency="USD",
            due_date=now.date(),
            failed_at=now,
            reason_code="insufficient_funds",
        )
        return self._told("failed", failed)

    def payment_succeeded(self) -> Envelope:
        """The same premium was paid after all."""
        now = datetime.now(UTC)
        paid = PremiumPaymentSucceeded(
            policy_id=f"P-{self.customer_id}",
            amount=AMOUNT,
            currency="USD",
            due_date=now.date(),
            paid_at=now,
        )
        return self._told("paid", paid)

    def _told(self, what: str, data: CustomerProfile | PremiumPaymentFailed | PremiumPaymentSucceeded) -> Envelope:
        return Envelope(
            id=f"{what}-{self.customer_id}",
            source=SOURCE,
            type=data.TYPE,
            time=datetime.now(UTC),
            customer_id=self.customer_id,
            data=data,
        )


def customers(prefix: str) -> Iterator[Customer]:
    """New customers without end of names, though the numbers last for some seven thousand only."""
    numbers = (f"+1{area}55501{suffix:02d}" for suffix, area in product(ORDINARY_SUFFIXES, AREAS))
    names = (name for name in map(f"{prefix}-{{}}".format, count(1)) if partition_for(name) != PROBED_SHARD)
    for name, number in zip(names, numbers, strict=False):
        yield Customer(name, number)
