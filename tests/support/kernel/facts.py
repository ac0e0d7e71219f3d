"""Records of upstream facts, good and bad, for tests of intake and audit."""

from datetime import datetime

from common.events.codec import encode
from common.events.envelope import Envelope
from common.events.ledger import FactReleased
from common.events.model import Fact
from common.events.upstream import PremiumPaymentFailed, PremiumPaymentSucceeded
from tests.support.kernel.desk import CUSTOMER

FACTS = "policy-events.v1"
LEDGER = "outreach-events.v1"


def fact_value(name: str, at: datetime, data: Fact | None = None) -> bytes:
    """One valid fact of the customer as its bytes."""
    content = data or PremiumPaymentFailed.model_validate(PremiumPaymentFailed.EXAMPLE)
    return encode(
        Envelope(id=name, source="/core", type=content.TYPE, time=at, customer_id=CUSTOMER, data=content)
    ).value


def other_fact() -> Fact:
    """A fact of another type."""
    return PremiumPaymentSucceeded.model_validate(PremiumPaymentSucceeded.EXAMPLE)


def ledger_fact() -> Fact:
    """Something the product itself tells."""
    return FactReleased(fact_id="f-1", fact_type="premium.payment_failed.v1")
