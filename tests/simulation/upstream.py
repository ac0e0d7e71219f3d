"""Events from upstream, as bytes, for the happenings of a schedule."""

from datetime import timedelta
from functools import lru_cache

from common.events.codec import encode
from common.events.envelope import Envelope
from common.events.model import Fact
from common.events.profiles import CustomerProfile
from common.events.topics import CUSTOMER_PROFILES, POLICY_EVENTS
from common.events.upstream import PremiumPaymentFailed, PremiumPaymentSucceeded
from tests.simulation.schedules import Happening
from tests.support.virtual_time import START

CUSTOMER = "c-000451"
HERE = {"time_zone": "America/New_York", "jurisdiction": "US", "language": "en"}
ELSEWHERE = {"time_zone": "America/Chicago", "jurisdiction": "US", "language": "en"}
DUE = "2026-11-20"


def topic_of(happening: Happening) -> str:
    """Where it is published."""
    return POLICY_EVENTS.name if happening.kind in {"failed", "paid"} else CUSTOMER_PROFILES.name


def fact_id(happening: Happening) -> str:
    """The id of its event."""
    return f"f-{happening.number}"


@lru_cache(maxsize=4096)
def value_of(kind: str, number: int, policy: int, happened: float) -> bytes | None:
    """The event's bytes; None erases the customer."""
    content = _content(kind, policy, happened)
    if content is None:
        return None
    at = START + timedelta(seconds=happened)
    envelope = Envelope(
        id=f"f-{number}", source="/core", type=content.TYPE, time=at, customer_id=CUSTOMER, data=content
    )
    return encode(envelope).value


def event_of(happening: Happening) -> bytes | None:
    """The bytes of the happening's event, the same whenever it is published."""
    return value_of(happening.kind, happening.number, happening.policy, round(happening.happened, 3))


def _content(kind: str, policy: int, happened: float) -> Fact | None:
    at = START + timedelta(seconds=happened)
    match kind:
        case "profile" | "moved":
            where = HERE if kind == "profile" else ELSEWHERE
            return CustomerProfile.model_validate({**CustomerProfile.EXAMPLE, **where, "customer_id": CUSTOMER})
        case "failed":
            given = {"policy_id": f"P-{policy}", "due_date": DUE, "grace_ends_on": None, "failed_at": at}
            return PremiumPaymentFailed.model_validate({**PremiumPaymentFailed.EXAMPLE, **given})
        case "paid":
            given = {"policy_id": f"P-{policy}", "due_date": DUE, "paid_at": at}
            return PremiumPaymentSucceeded.model_validate({**PremiumPaymentSucceeded.EXAMPLE, **given})
        case _:
            return None
