"""The invented customers of the stories: who they are, how they behave, and what upstream says of them."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from itertools import count
from threading import Lock
from zoneinfo import ZoneInfo

from cli.samples.people import AREAS
from common.events.envelope import Envelope
from common.events.model import Fact
from common.events.profiles import Consent, CustomerProfile, PhoneNumber
from common.events.upstream import PremiumPaymentFailed, PremiumPaymentSucceeded
from common.events.vocabulary import Purpose

SOURCE = "/stories"
NOON, NIGHT = 12, 2


class Habit(StrEnum):
    """What the sandbox's customers do with their phones, by the last two digits of the number."""

    ORDINARY = "01"
    LISTENS = "80"
    PRESSES_1 = "81"
    PRESSES_2 = "82"
    PRESSES_9 = "83"
    HANGS_UP = "84"
    BUSY = "85"
    NO_ANSWER = "86"
    MACHINE = "87"
    CALL_FAILS = "88"
    THIRD_TIME = "89"
    UNDELIVERABLE = "91"
    REFUSED = "98"
    MANUAL = "99"


def zone_where_it_is(hour: int) -> str:
    """A zone in which the present hour is this one."""
    offset = (hour - datetime.now(UTC).hour + 12) % 24 - 12
    return f"Etc/GMT{-offset:+d}" if offset else "Etc/UTC"


@dataclass(frozen=True, kw_only=True)
class Person:
    """One customer; name, number and id are nobody else's."""

    customer_id: str
    name: str
    phone_number: str
    language: str
    jurisdiction: str
    time_zone: str

    @property
    def policy_id(self) -> str:
        """The policy that all facts speak of unless they say otherwise."""
        return f"P-{self.customer_id}"

    @property
    def zone(self) -> ZoneInfo:
        """Where the customer lives."""
        return ZoneInfo(self.time_zone)

    def profile(self) -> Envelope:
        """Who this is."""
        return self._told(
            CustomerProfile(
                customer_id=self.customer_id,
                name=self.name,
                phone_numbers=(PhoneNumber(phone_number=self.phone_number),),
                language=self.language,
                time_zone=self.time_zone,
                region=f"{self.jurisdiction}-XX",
                jurisdiction=self.jurisdiction,
                consent={
                    Purpose.SERVICE: Consent(granted=True, at=datetime.now(UTC) - timedelta(days=400), proof="contract")
                },
            ),
        )

    @property
    def due_date(self) -> date:
        """When the premium is due."""
        return datetime.now(UTC).date() - timedelta(days=1)

    def payment_failed(
        self, reason_code: str = "51", policy: str | None = None, at: datetime | None = None
    ) -> Envelope:
        """The premium could not be collected."""
        at = at or datetime.now(UTC)
        content = {**self._premium(policy), "failed_at": at, "reason_code": reason_code}
        return self._told(PremiumPaymentFailed.model_validate(content), at)

    def payment_succeeded(self) -> Envelope:
        """The same premium was paid after all."""
        now = datetime.now(UTC)
        return self._told(PremiumPaymentSucceeded.model_validate({**self._premium(), "paid_at": now}), now)

    def _premium(self, policy: str | None = None) -> dict[str, object]:
        policy_id = policy or self.policy_id
        return {"policy_id": policy_id, "amount": "365.40", "currency": "USD", "due_date": self.due_date}

    def _told(self, data: Fact, at: datetime | None = None) -> Envelope:
        at = at or datetime.now(UTC)
        return Envelope(
            id=f"{self.customer_id}-{next(_told_before)}",
            source=SOURCE,
            type=data.TYPE,
            time=at,
            customer_id=self.customer_id,
            data=data,
        )


_told_before = count(1)


class People:
    """Makes customers who have nothing in common; stories may ask for them at the same time."""

    def __init__(self) -> None:
        self.known: list[Person] = []
        self._lock = Lock()
        # the first two areas are left out: the hotline and the sender of the settings' defaults are the second's
        self._areas: Counter[Habit] = Counter(dict.fromkeys(Habit, 2))

    def person(
        self, habit: Habit = Habit.ORDINARY, *, language: str = "en", jurisdiction: str = "US", hour: int = NOON
    ) -> Person:
        """Somebody new, in whose zone it is this hour."""
        with self._lock:
            area = AREAS[self._areas[habit]]
            self._areas[habit] += 1
            number = len(self.known) + 1
            person = Person(
                customer_id=f"story-{number:03}",
                name=f"虚构客{number:03}" if language == "zh-CN" else f"Zenobia Madeup{number:03}",
                phone_number=f"+1{area}55501{habit}",
                language=language,
                jurisdiction=jurisdiction,
                time_zone=zone_where_it_is(hour),
            )
            self.known.append(person)
        return person
