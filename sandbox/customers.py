"""Who picks up, presses what and answers what: decided by a scenario file, else by the last digits of the number."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, Literal, TypeVar

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

SUFFIX_DIGITS: Final = 2


class Pickup(StrEnum):
    """What happens when the phone rings."""

    ANSWERS = "answers"
    MACHINE = "machine"
    BUSY = "busy"
    NO_ANSWER = "no-answer"
    FAILED = "failed"
    MANUAL = "manual"


class _Behaviour(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class SmsBehaviour(_Behaviour):
    """What becomes of a message, and what the customer writes back."""

    outcome: Literal["delivered", "undelivered", "failed"] = "delivered"
    error_code: int | None = None
    reply: str | None = None
    refuse: Annotated[int | None, Field(description="error code with which the API refuses the message")] = None


class VoiceBehaviour(_Behaviour):
    """What becomes of a call; `keys` are pressed one entry for each Gather, "" lets one pass."""

    pickup: Pickup = Pickup.ANSWERS
    keys: tuple[str, ...] = ()
    hangs_up_after_seconds: float | None = None
    refuse: int | None = None


class Customer(_Behaviour):
    """Somebody's behaviour: the n-th message or call meets the n-th entry, later ones meet the last."""

    number: Annotated[str | None, Field(pattern=r"^\+\d{3,15}$")] = None
    suffix: Annotated[str | None, Field(pattern=r"^\d{1,15}$")] = None
    about: str = ""
    sms: tuple[SmsBehaviour, ...] = (SmsBehaviour(),)
    voice: tuple[VoiceBehaviour, ...] = (VoiceBehaviour(keys=("1",)),)

    @model_validator(mode="after")
    def _has_behaviour(self) -> "Customer":
        if not self.sms or not self.voice:
            raise ValueError("sms and voice need at least one entry each")
        return self


class Scenario(_Behaviour):
    """A scenario file."""

    customers: tuple[Customer, ...] = ()


def _answers(*keys: str) -> tuple[VoiceBehaviour, ...]:
    return (VoiceBehaviour(keys=keys),)


def _picks(pickup: Pickup) -> tuple[VoiceBehaviour, ...]:
    return (VoiceBehaviour(pickup=pickup),)


def _undelivered(error_code: int) -> tuple[SmsBehaviour, ...]:
    return (SmsBehaviour(outcome="undelivered", error_code=error_code),)


ORDINARY: Final = Customer(about="gets messages; answers and presses 1")
BY_SUFFIX: Final[tuple[Customer, ...]] = (
    Customer(suffix="80", about="answers, listens to the end, presses nothing", voice=_answers()),
    Customer(suffix="81", about="answers and presses 1", voice=_answers("1")),
    Customer(suffix="82", about="answers and presses 2", voice=_answers("2")),
    Customer(suffix="83", about="answers and presses 9", voice=_answers("9")),
    Customer(
        suffix="84", about="answers and hangs up after a second", voice=(VoiceBehaviour(hangs_up_after_seconds=1),)
    ),
    Customer(suffix="85", about="busy", voice=_picks(Pickup.BUSY)),
    Customer(suffix="86", about="no answer", voice=_picks(Pickup.NO_ANSWER)),
    Customer(suffix="87", about="answering machine", voice=_picks(Pickup.MACHINE)),
    Customer(suffix="88", about="call fails", voice=_picks(Pickup.FAILED)),
    Customer(
        suffix="89",
        about="first call no answer, then busy, then answers and presses 1",
        voice=(*_picks(Pickup.NO_ANSWER), *_picks(Pickup.BUSY), *_answers("1")),
    ),
    Customer(
        suffix="90", about="SMS undelivered 30003, no answer", sms=_undelivered(30003), voice=_picks(Pickup.NO_ANSWER)
    ),
    Customer(suffix="91", about="SMS undelivered 30005 (unknown handset)", sms=_undelivered(30005)),
    Customer(suffix="92", about="SMS undelivered 30006 (landline)", sms=_undelivered(30006)),
    Customer(suffix="93", about="SMS failed 30007 (filtered)", sms=(SmsBehaviour(outcome="failed", error_code=30007),)),
    Customer(suffix="94", about="replies STOP", sms=(SmsBehaviour(reply="STOP"),)),
    Customer(suffix="95", about="replies that a call would be welcome", sms=(SmsBehaviour(reply="Please call me"),)),
    Customer(suffix="96", about="the API refuses messages: 21610 (unsubscribed)", sms=(SmsBehaviour(refuse=21610),)),
    Customer(suffix="97", about="the API refuses messages: 21614 (no mobile)", sms=(SmsBehaviour(refuse=21614),)),
    Customer(
        suffix="98",
        about="the API refuses messages and calls: 21211 (invalid number)",
        sms=(SmsBehaviour(refuse=21211),),
        voice=(VoiceBehaviour(refuse=21211),),
    ),
    Customer(
        suffix="99", about="manual: you answer, press keys and reply at the page of phones", voice=_picks(Pickup.MANUAL)
    ),
)


class Customers:
    """Finds who owns a number.

    Args:
        scenario: behaviours that go before the table of suffixes; numbers before suffixes, longer suffixes first.
    """

    def __init__(self, scenario: Scenario) -> None:
        self._by_number = {customer.number: customer for customer in scenario.customers if customer.number}
        suffixes = [customer for customer in scenario.customers if customer.suffix and not customer.number]
        self._by_suffix = sorted(suffixes, key=lambda customer: -len(customer.suffix or ""))
        self._table = {customer.suffix: customer for customer in BY_SUFFIX}

    def who(self, number: str) -> Customer:
        """The customer behind the number."""
        named = self._by_number.get(number)
        if named is not None:
            return named
        for customer in self._by_suffix:
            if number.endswith(customer.suffix or ""):
                return customer
        return self._table.get(number[-SUFFIX_DIGITS:], ORDINARY)


BehaviourT = TypeVar("BehaviourT", SmsBehaviour, VoiceBehaviour)


def nth(behaviours: tuple[BehaviourT, ...], contacts_before: int) -> BehaviourT:
    """The behaviour at this contact; the last one repeats."""
    return behaviours[min(contacts_before, len(behaviours) - 1)]


class ScenarioError(Exception):
    """The scenario file cannot be used; the text says where and why."""


def load_scenario(path: Path | None) -> Scenario:
    """Reads a scenario file; without a path nothing goes before the table of suffixes.

    Raises:
        ScenarioError: the file is absent, no YAML, or not a scenario.
    """
    if path is None:
        return Scenario()
    try:
        return Scenario.model_validate(yaml.safe_load(path.read_text(encoding="utf-8")) or {})
    except (OSError, yaml.YAMLError, ValidationError) as error:
        raise ScenarioError(f"{path}: {error}") from error
