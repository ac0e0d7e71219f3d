"""What all stories together left behind: a ledger that is whole and valid, and no personal data where none belongs."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import combinations

import orjson
import pytest
from jsonschema import Draft202012Validator, FormatChecker

from common.events.generate import SCHEMAS
from tests.e2e.ledger import LedgerEntry
from tests.e2e.stack import Stack
from tests.e2e.stories import SECONDS, Stories

pytestmark = pytest.mark.timeout(SECONDS)

LAST_DIGITS = 10
"""A number is recognised by so many, however its beginning is written."""

SLOT = timedelta(seconds=1)
LATE = timedelta(seconds=5)
"""A slot may be used 2 s late; the rest is for a machine that does ten other things."""


@pytest.fixture(scope="module")
def after(stories: Stories) -> Stack:
    """The stack when all stories have come to their ends."""
    stories.wait()
    return stories.stack


@pytest.fixture(scope="module")
def ledger(after: Stack) -> Sequence[LedgerEntry]:
    """Everything on it."""
    return [entry for customer_id in after.ledger.customers() for entry in after.ledger.entries(customer_id)]


def test_every_entry_of_the_ledger_is_what_its_schema_says(ledger: Sequence[LedgerEntry]) -> None:
    envelope = validator("cloudevent")
    by_type = {entry.event.type: validator(f"events/{entry.event.type}") for entry in ledger}
    for entry in ledger:
        event = orjson.loads(entry.raw)
        envelope.validate(event)
        by_type[entry.event.type].validate(event["data"])


def validator(name: str) -> Draft202012Validator:
    return Draft202012Validator(orjson.loads((SCHEMAS / f"{name}.json").read_bytes()), format_checker=FormatChecker())


def test_each_services_entries_of_a_customer_are_numbered_without_gaps(ledger: Sequence[LedgerEntry]) -> None:
    numbers: defaultdict[tuple[str, str | None], list[int | None]] = defaultdict(list)
    for entry in ledger:
        numbers[entry.event.customer_id, entry.event.service].append(entry.event.sequence)
    assert {service for _, service in numbers} == {"notifier", "callback", "dialer"}
    for found in numbers.values():
        assert found == list(range(1, len(found) + 1))


def test_no_number_name_or_text_stands_in_a_log_a_metric_or_the_ledger(
    after: Stack, ledger: Sequence[LedgerEntry]
) -> None:
    places = {f"{name}'s log": service.log() for name, service in after.services.items()}
    places |= {f"{name}'s metrics": service.metrics() for name, service in after.services.items()}
    places["the ledger"] = "\n".join(entry.raw.decode() for entry in ledger)
    spoken = {str(entry.get("body") or entry["text"]) for entry in after.carrier.book("message", "said", "inbound")}
    for place, text in places.items():
        for person in after.people.known:
            assert person.phone_number[-LAST_DIGITS:] not in text, f"a phone number stands in {place}"
            assert person.name not in text, f"a name stands in {place}"
        for words in spoken:
            assert words not in text, f"a message stands in {place}"


def test_nothing_went_wrong_on_the_way(after: Stack) -> None:
    for service in after.services.values():
        assert service.events("bug") == []
        assert service.metric("nineconnect_bugs_total") == 0
        assert service.metric("nineconnect_dead_letters_total") == 0
        assert service.complaints() == {}
        assert service.starts == 1
    stats = after.carrier.stats()
    assert (stats["messages"]["doubled"], stats["calls"]["doubled"]) == (0, 0)


def test_the_carrier_was_never_asked_for_more_than_one_call_a_second(after: Stack) -> None:
    asked = [datetime.fromisoformat(str(entry["at"])) for entry in after.carrier.book("call")]
    for (first, before), (last, later) in combinations(enumerate(asked), 2):
        assert later - before >= SLOT * (last - first) - LATE
