"""Sample events: the published example of a type, retold of an invented customer at a given moment."""

from collections.abc import Iterator
from datetime import UTC, date, datetime
from random import Random
from typing import Any

from cli.samples.people import People, Person
from common.events.envelope import Envelope
from common.events.profiles import CustomerProfile
from common.events.registry import UPSTREAM_MODELS
from common.ids import derived_id

SOURCE = "/samples"
EXAMPLES_TOLD_AT = datetime(2026, 11, 20, 2, 15, tzinfo=UTC)
"""The present of the published examples; samples keep each date's distance from it."""

REASON_CODES = ("insufficient_funds", "51", "expired_card", "limit_exceeded", "do_not_honour", "bank_unavailable")
"""Why banks refuse; other journeys have codes of their own and get these all the same, they are samples."""
LOWEST_AMOUNT, HIGHEST_AMOUNT = 100, 9_999

SAMPLE_TYPES = (CustomerProfile.TYPE, *UPSTREAM_MODELS)


def samples(event_type: str, *, count: int, people: People, seed: int, at: datetime) -> Iterator[Envelope]:
    """`count` valid events of a type in `SAMPLE_TYPES`, told of `people` in turn; the same arguments give the same.

    The ids depend on all of it, `at` included: the same sample again is the same event, a later one is another.
    """
    for index in range(count):
        person = people[index]
        event_id = derived_id("sample", str(seed), event_type, str(index), at.isoformat())
        if event_type == CustomerProfile.TYPE:
            yield _envelope(event_id, CustomerProfile.model_validate(person.profile), person.customer_id, at)
        else:
            yield _fact(event_type, event_id, person, Random(f"{seed}/{event_type}/{index}"), at)  # noqa: S311


def _fact(event_type: str, event_id: str, person: Person, chance: Random, at: datetime) -> Envelope:
    model = UPSTREAM_MODELS[event_type]
    of_person = _told_of(person, chance)
    content = {
        name: of_person[name] if name in of_person else _moved(name, value, event_id, at)
        for name, value in model.EXAMPLE.items()
    }
    key = str(content[model.KEY_FIELD]) if model.KEY_FIELD else person.customer_id
    return _envelope(event_id, model.model_validate(content), key, at)


def _told_of(person: Person, chance: Random) -> dict[str, str]:
    return {
        # the same in every event of a customer, so that one can close what another opened
        "policy_id": f"P-{person.customer_id}",
        "region": person.place.region,
        "currency": person.place.currency,
        "amount": f"{chance.randint(LOWEST_AMOUNT, HIGHEST_AMOUNT)}.{chance.randint(0, 99):02d}",
        "reason_code": chance.choice(REASON_CODES),
    }


def _moved(name: str, value: Any, event_id: str, at: datetime) -> Any:
    """An example's value with its own id, or at the same distance from the present as it was in the example."""
    if name.endswith("_id"):
        return f"{str(value).split('-', maxsplit=1)[0]}-{event_id.removeprefix('sample-')}"
    if name.endswith("_at"):
        return _moved_moment(name, value, at)
    if name.endswith(("_on", "_date")):
        return at.date() + (date.fromisoformat(value) - EXAMPLES_TOLD_AT.date())
    return value


def _moved_moment(name: str, value: str, at: datetime) -> datetime:
    moved = at + (datetime.fromisoformat(value) - EXAMPLES_TOLD_AT)
    # only a promise may lie ahead; what happened did so before it was told
    return moved if name == "due_at" else min(moved, at)


def _envelope(event_id: str, fact: Any, key: str, at: datetime) -> Envelope:
    return Envelope(id=event_id, source=SOURCE, type=fact.TYPE, time=at, customer_id=key, data=fact)
