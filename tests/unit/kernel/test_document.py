"""Documents: readable, bounded, and brought to the present schema step by step."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

import msgspec
import pytest

from common.errors import PermanentError
from common.kernel.document import MAX_DOCUMENT_BYTES, AggregateType, DocumentCodec
from common.kernel.memory import MemoryStore
from common.kernel.versions import RANDOM_BITS, next_version
from tests.support.kernel.desk import CUSTOMER, DESK, Desk
from tests.support.virtual_time import START

DESKS = DocumentCodec(DESK)


@dataclass(frozen=True)
class Shelf:
    """A state of schema 3: schema 1 had `title`, schema 2 renamed it to `name`, schema 3 made a list of it."""

    customer_id: str
    names: list[str] = field(default_factory=list)
    clocks: dict[str, datetime] = field(default_factory=dict)


def renamed(plain: dict[str, Any]) -> dict[str, Any]:
    return {**{key: value for key, value in plain.items() if key != "title"}, "name": plain["title"]}


def listed(plain: dict[str, Any]) -> dict[str, Any]:
    return {**{key: value for key, value in plain.items() if key != "name"}, "names": [plain["name"]]}


SHELF: AggregateType[Shelf] = AggregateType(
    service="shelf", state=Shelf, schema=3, empty=Shelf, clocks=lambda one: one.clocks, upgrades={1: renamed, 2: listed}
)
SHELVES = DocumentCodec(SHELF)


def stored(**state: object) -> bytes:
    return msgspec.json.encode({"state": {"customer_id": CUSTOMER, **state}, "sequence": 4, "applied": {"t": 9}})


def test_what_was_encoded_is_decoded() -> None:
    state = Desk(CUSTOMER, ("read",), {"call": START})
    body = DESKS.decode(DESKS.encode(state, 7, {"facts": 3}), schema=1)
    assert (body.state, body.sequence, body.applied) == (state, 7, {"facts": 3})


def test_a_person_can_read_it() -> None:
    assert DESKS.encode(Desk(CUSTOMER, ("read",)), 1, {}) == (
        b'{"state":{"customer_id":"c-000451","notes":["read"],"alarms":{}},"sequence":1}'
    )


class TestUpgrades:
    @pytest.mark.parametrize(("schema", "old"), [(1, {"title": "a"}), (2, {"name": "a"}), (3, {"names": ["a"]})])
    def test_every_older_schema_arrives_at_the_present_one(self, schema: int, old: dict[str, object]) -> None:
        body = SHELVES.decode(stored(**old), schema)
        assert (body.state, body.sequence, body.applied) == (Shelf(CUSTOMER, ["a"]), 4, {"t": 9})

    @pytest.mark.parametrize(
        ("schema", "old"),
        [
            pytest.param(0, {"title": "a"}, id="no way leads from there"),
            pytest.param(4, {"names": ["a"]}, id="written by a newer release"),
            pytest.param(1, {"names": ["a"]}, id="not what its schema says"),
            pytest.param(2, {"name": {"a": 1}}, id="upgraded to something else"),
            pytest.param(3, {"names": "a"}, id="of another type"),
        ],
    )
    def test_what_cannot_be_upgraded_is_refused_with_both_schemas(self, schema: int, old: dict[str, object]) -> None:
        with pytest.raises(PermanentError, match="document_unreadable") as refusal:
            SHELVES.decode(stored(**old), schema)
        assert (refusal.value.context["schema"], refusal.value.context["current"]) == (schema, 3)

    @pytest.mark.parametrize("body", [b"", b"{", b"[]", b"{}", b"\xff"])
    @pytest.mark.parametrize("schema", [1, 3])
    def test_damage_is_refused(self, body: bytes, schema: int) -> None:
        with pytest.raises(PermanentError, match="document_unreadable"):
            SHELVES.decode(body, schema)

    async def test_a_store_upgrades_on_load(self) -> None:
        store = MemoryStore(replace(SHELF), partitions=1)
        store.shelves[0].documents[CUSTOMER] = (65_536, 1, stored(title="a"))
        loaded = await store.load(CUSTOMER)
        assert (loaded.state, loaded.version) == (Shelf(CUSTOMER, ["a"]), 65_536)


def test_a_document_beyond_the_backstop_is_refused() -> None:
    fits = Desk(CUSTOMER, ("x" * (MAX_DOCUMENT_BYTES - 100),))
    assert len(DESKS.encode(fits, 0, {})) <= MAX_DOCUMENT_BYTES
    with pytest.raises(PermanentError, match="document_too_large"):
        DESKS.encode(fits.noting("x" * 100), 0, {})


class TestVersions:
    def test_each_is_greater_whatever_the_random_part(self) -> None:
        highest, lowest = 2**RANDOM_BITS - 1, 0
        first = next_version(0, lambda _: highest)
        assert next_version(first, lambda _: lowest) > first

    def test_two_successors_of_one_version_differ_by_their_random_part(self) -> None:
        assert next_version(65_536, lambda _: 1) != next_version(65_536, lambda _: 2)

    def test_a_lifetime_of_changes_stays_exact_in_a_double(self) -> None:
        assert next_version((10**9) << RANDOM_BITS, lambda _: 1) < 2**53
