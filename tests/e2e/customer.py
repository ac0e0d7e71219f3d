"""One customer of the running stack as a story sees them: what is said of them, reaches them and is recorded."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.error import HTTPError

import orjson

from common.events.envelope import Envelope
from tests.e2e.people import Habit, Person
from tests.e2e.stack import Stack
from tests.support.polling import eventually
from tests.support.sandbox import Entry

WAIT_SECONDS = 120.0
"""Far more than any step takes; a loaded machine must not fail it."""

LOOK_SECONDS = 0.1


class Customer:
    """Somebody new, unknown to the product until the profile `arrives`."""

    def __init__(
        self,
        stack: Stack,
        habit: Habit = Habit.ORDINARY,
        *,
        language: str = "en",
        jurisdiction: str = "US",
        hour: int = 12,
    ) -> None:
        self.person: Person = stack.people.person(habit, language=language, jurisdiction=jurisdiction, hour=hour)
        self._stack = stack

    @property
    def customer_id(self) -> str:
        """The key of everything that is said of this customer."""
        return self.person.customer_id

    # upstream

    def arrives(self) -> Envelope:
        """The profile is published."""
        return self._tell(self.person.profile())

    def fails_to_pay(
        self, reason_code: str = "51", *, policy: str | None = None, at: datetime | None = None
    ) -> Envelope:
        """A payment fails; for the customer's one policy, unless another is named."""
        return self._tell(self.person.payment_failed(reason_code, policy, at))

    def pays(self) -> Envelope:
        """The same premium is paid."""
        return self._tell(self.person.payment_succeeded())

    def _tell(self, fact: Envelope) -> Envelope:
        self._stack.tell(fact)
        return fact

    def hears_no_more(self) -> None:
        """Returns once all that was said before has taken effect, of a customer who has paid.

        A failure of before the payment, told only now, opens nothing: that it says so proves both.
        """
        late = self.fails_to_pay(at=datetime.now(UTC) - timedelta(minutes=5))
        self.awaits("notification.suppressed")
        self.awaits("fact.ignored", service="callback", fact_id=late.id)

    @classmethod
    def who_fails_to_pay(cls, stack: Stack, habit: Habit = Habit.ORDINARY, **where: Any) -> "Customer":
        """Somebody known whose payment has just failed."""
        customer = cls(stack, habit, **where)
        customer.arrives()
        customer.fails_to_pay()
        return customer

    # the phone

    def texts(self) -> list[str]:
        """What the carrier was asked to send, in order."""
        return [str(entry["body"]) for entry in self._book("message")]

    def calls(self) -> list[Entry]:
        """The calls that the carrier was asked for."""
        return self._book("call")

    def heard(self) -> list[str]:
        """What was said to the customer on the phone."""
        return [str(entry["text"]) for entry in self._book("said")]

    def _book(self, kind: str) -> list[Entry]:
        return self._stack.carrier.book(kind, to=self.person.phone_number)

    def acts(self, action: str, *, number: str | None = None, **what: str) -> None:
        """Does it at the phone as soon as the phone is in a state for it."""

        def done() -> bool:
            try:
                self._stack.carrier.act(number or self.person.phone_number, action, **what)
            except HTTPError as refusal:
                with refusal:
                    if refusal.code != HTTPStatus.CONFLICT:
                        raise
                return False
            return True

        eventually(done, WAIT_SECONDS, interval=LOOK_SECONDS)

    # the ledger

    def ledger(self, service: str | None = None) -> list[Envelope]:
        """The customer's entries, of one service or of all."""
        entries = [entry.event for entry in self._stack.ledger.entries(self.customer_id)]
        return [event for event in entries if service in {None, event.service}]

    def types(self, service: str | None = None) -> list[str]:
        """Their types without the version, e.g. `call.ended`."""
        return [event.type.rpartition(".v")[0] for event in self.ledger(service)]

    def told(self, event_type: str, **fields: object) -> list[Envelope]:
        """The entries of a type, e.g. `call.ended`, that have these fields."""
        return [
            event
            for event in self.ledger()
            if event.type.rpartition(".v")[0] == event_type
            and all(getattr(event.data, name) == value for name, value in fields.items())
        ]

    def awaits(self, event_type: str, *, times: int = 1, service: str | None = None, **fields: object) -> Envelope:
        """Returns the last of so many such entries once they stand there; more are an error at once."""

        def found() -> Envelope | None:
            entries = [event for event in self.told(event_type, **fields) if service in {None, event.service}]
            if len(entries) > times:
                raise RuntimeError(f"{event_type} stands there {len(entries)} times:\n{self.report()}")
            assert len(entries) == times, f"{event_type} {fields} is missing:\n{self.report()}"
            return entries[-1]

        event = eventually(found, WAIT_SECONDS, interval=LOOK_SECONDS)
        assert event is not None
        return event

    def report(self) -> str:
        """What is known of the customer, for whoever must find out what went wrong."""
        told = (
            f"  {event.time:%H:%M:%S.%f} {event.service} {event.sequence} {event.type} {event.data}"
            for event in self.ledger()
        )
        return "\n".join([f"{self.person}", *told])

    # operators

    def explained(self) -> list[dict[str, Any]]:
        """The steps that `nineconnect explain` tells."""
        said = self._stack.command("explain", "--customer", self.customer_id, "--json")
        assert said.code == 0, said.text
        steps: list[dict[str, Any]] = orjson.loads(said.text)["steps"]
        return steps

    def tasks(self) -> Sequence[Mapping[str, Any]]:
        """What the callback service's API tells."""
        status, body = self._stack.services["callback"].get(f"/v1/tasks?customer_id={self.customer_id}")
        assert status == 200, body
        tasks: list[dict[str, Any]] = orjson.loads(body)["tasks"]
        return tasks


def fields_of(event: Envelope) -> dict[str, Any]:
    """What an entry says."""
    assert event.data is not None
    return event.data.model_dump()
