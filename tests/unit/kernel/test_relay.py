"""The relays: safe in the topic before it is forgotten in the store, in order, and no worse than doubled."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import timedelta

from common.errors import TransientError
from common.kernel.relay import BATCH, LEDGER_PAUSE, OUTAGE_PAUSE, SWEEP_EVERY, Relay, changelog_relay, ledger_relay
from tests.support.kernel.desk import CUSTOMER, note
from tests.support.kernel.log import MemoryLog
from tests.support.kernel.office import Office
from tests.support.virtual_time import pass_time

LEDGER, STATES = "outreach-events.v1", "desk-state.v1"
SECOND = timedelta(seconds=1)


class Wire:
    """An office, a log and the relays between them."""

    def __init__(self, log: MemoryLog | None = None) -> None:
        self.office = Office()
        self.log = log or MemoryLog(self.office.clock.now)
        self.published = 0
        self.ledger = ledger_relay(self.office.store, self.log, LEDGER, self.office.keeper, self._count)
        self.states = changelog_relay(self.office.store, self.log, STATES, self.office.keeper, self.ledger)

    def _count(self, entries: Mapping[int, Sequence[object]]) -> None:
        self.published += sum(map(len, entries.values()))

    async def write(self, *notes: str) -> None:
        for text in notes:
            await self.office.handle(note(text))
        self.ledger.notice(self.office.shard)
        self.states.notice(self.office.shard)

    @property
    def told(self) -> list[str]:
        """The words on the ledger topic, in order."""
        values = self.log.values(LEDGER, self.office.shard)
        return [value.decode().partition('"fact_id":"')[2].partition('"')[0] for value in values if value]

    @property
    def waiting(self) -> int:
        return len(self.office.store.shelves[self.office.shard].outbox)


class TestLedger:
    def test_it_is_published_in_order_and_then_forgotten(self) -> None:
        wire = Wire()

        async def body() -> None:
            await wire.write("one", "two")
            await wire.ledger.round()
            assert wire.told == ["one", "two"]
            assert wire.log.topics[LEDGER, wire.office.shard][0].key == CUSTOMER.encode()
            assert (wire.waiting, wire.published) == (0, 2)

        wire.office.run(body)

    def test_nothing_is_forgotten_that_was_not_published(self) -> None:
        wire = Wire()

        async def body() -> None:
            await wire.write("one")
            wire.log.away = True
            running = asyncio.ensure_future(wire.ledger.run())
            await pass_time(3 * SECOND)
            assert (wire.waiting, wire.told) == (1, [])
            wire.log.away = False
            await pass_time(OUTAGE_PAUSE + LEDGER_PAUSE)
            assert (wire.waiting, wire.told) == (0, ["one"])
            assert not running.done()

        wire.office.run(body)

    def test_two_relays_at_once_double_but_lose_nothing(self) -> None:
        class Slow(MemoryLog):
            async def publish(self, topic: str, records: Mapping[int, Sequence[tuple[bytes, bytes]]]) -> None:
                await pass_time(SECOND)
                await super().publish(topic, records)

        wire = Wire()
        wire.log = Slow(wire.office.clock.now)
        relays = [
            ledger_relay(wire.office.store, wire.log, LEDGER, wire.office.keeper, lambda _: None) for _ in range(2)
        ]

        async def body() -> None:
            await wire.write("one")
            first = asyncio.ensure_future(relays[0].round())
            await pass_time(0.5 * SECOND)
            await wire.write("two")
            await asyncio.gather(first, relays[1].round())
            await relays[1].flush()
            assert list(dict.fromkeys(wire.told)) == ["one", "two"]
            assert wire.waiting == 0

        wire.office.run(body)

    def test_an_entry_written_during_the_publishing_stays(self) -> None:
        wire = Wire()

        class Interrupting(MemoryLog):
            async def publish(self, topic: str, records: Mapping[int, Sequence[tuple[bytes, bytes]]]) -> None:
                await wire.office.handle(note("meanwhile"))
                await super().publish(topic, records)

        log = Interrupting(wire.office.clock.now)
        relay = ledger_relay(wire.office.store, log, LEDGER, wire.office.keeper, lambda _: None)

        async def body() -> None:
            await wire.write("one")
            relay.notice(wire.office.shard)
            await relay.round()
            assert wire.waiting == 1

        wire.office.run(body)

    def test_more_than_a_batch_goes_on_in_the_next_round(self) -> None:
        wire = Wire()

        async def body() -> None:
            await wire.write(*map(str, range(BATCH + 1)))
            await wire.ledger.round()
            await wire.ledger.round()
            assert wire.told == [str(number) for number in range(BATCH + 1)]

        wire.office.run(body)


class TestChangelog:
    def test_the_newest_copy_goes_out_once(self) -> None:
        wire = Wire()

        async def body() -> None:
            await wire.write("one", "two")
            await wire.states.round()
            await wire.states.flush()
            [copy] = wire.log.values(STATES, wire.office.shard)
            assert copy is not None
            assert b'"notes":["one","two"]' in copy

        wire.office.run(body)

    def test_a_copy_never_knows_more_than_the_ledger_tells(self) -> None:
        wire = Wire()

        async def body() -> None:
            await wire.write(*map(str, range(BATCH + 1)))
            await wire.states.round()
            assert wire.told == [str(number) for number in range(BATCH + 1)]
            assert len(wire.log.values(STATES, wire.office.shard)) == 1

        wire.office.run(body)

    def test_a_document_that_moves_on_meanwhile_is_copied_again(self) -> None:
        wire = Wire()

        class Interrupting(MemoryLog):
            async def publish(self, topic: str, records: Mapping[int, Sequence[tuple[bytes, bytes]]]) -> None:
                if not self.topics:
                    await wire.office.handle(note("meanwhile"))
                await super().publish(topic, records)

        log = Interrupting(wire.office.clock.now)
        relay = changelog_relay(wire.office.store, log, STATES, wire.office.keeper, wire.ledger)

        async def body() -> None:
            await wire.write("one")
            await relay.flush()
            await relay.flush()
            assert [b"meanwhile" in (value or b"") for value in log.values(STATES, wire.office.shard)] == [False, True]

        wire.office.run(body)


class TestRounds:
    def _relay(self, office: Office) -> tuple[Relay, list[list[int]]]:
        carried: list[list[int]] = []

        async def carry(shards: Sequence[int]) -> Sequence[int]:
            carried.append(list(shards))
            return []

        return Relay(pause=LEDGER_PAUSE, shards=office.keeper, carry=carry), carried

    def test_only_shards_written_to_are_looked_at_between_sweeps(self) -> None:
        office = Office()
        relay, carried = self._relay(office)

        async def body() -> None:
            relay.notice(2)
            for _ in range(SWEEP_EVERY + 1):
                await relay.round()
            relay.notice(3)
            await relay.round()
            assert carried == [[0, 1, 2, 3], [0, 1, 2, 3], [3]]

        office.run(body)

    def test_shards_of_others_are_left_to_them(self) -> None:
        office = Office()
        relay, carried = self._relay(office)

        async def body() -> None:
            office.keeper.own([1])
            relay.notice(2)
            await relay.flush()
            assert carried == [[1]]

        office.run(body)

    def test_what_failed_is_looked_at_again(self) -> None:
        office = Office()
        tries: list[list[int]] = []

        async def carry(shards: Sequence[int]) -> Sequence[int]:
            tries.append(list(shards))
            if len(tries) == 2:
                raise TransientError("store_unavailable")
            return []

        relay = Relay(pause=LEDGER_PAUSE, shards=office.keeper, carry=carry)

        async def body() -> None:
            running = asyncio.ensure_future(relay.run())
            await pass_time(LEDGER_PAUSE / 2)
            relay.notice(2)
            await pass_time(2 * OUTAGE_PAUSE)
            assert tries[:3] == [[0, 1, 2, 3], [2], [2]]
            assert not running.done()

        office.run(body)
