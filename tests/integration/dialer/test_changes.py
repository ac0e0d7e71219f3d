"""Watchers are told what any replica published on the ledger topic."""

import asyncio
from datetime import UTC, datetime

import pytest

from common.events.codec import encode
from common.events.envelope import Envelope
from common.events.ledger import CallQueued, TaskClosed
from common.events.topics import OUTREACH_EVENTS, partition_for
from common.kafka.admin import admin_client, ensure_topics
from common.kafka.publisher import KafkaPublisher
from services.outbound_dialer.adapters.change_fan_out import MAX_PENDING, ChangeFanOut
from services.outbound_dialer.adapters.kafka_changes import KafkaCallChanges
from services.outbound_dialer.ports import CallChanged


@pytest.fixture
def ledger_topic(kafka: str) -> str:
    with admin_client(kafka) as admin:
        ensure_topics(admin, [OUTREACH_EVENTS])
    return kafka


def entry(customer_id: str, fact) -> tuple[bytes, bytes]:
    envelope = Envelope(
        id=f"e-{customer_id}",
        source="/nineconnect/dialer",
        type=fact.TYPE,
        time=datetime.now(UTC),
        customer_id=customer_id,
        data=fact,
    )
    encoded = encode(envelope)
    return encoded.key, encoded.value


async def test_changes_of_the_watched_customers_arrive(ledger_topic, unique_suffix):
    changes = KafkaCallChanges(ledger_topic)
    publisher = KafkaPublisher(ledger_topic, "dialer")
    await changes.start()
    await publisher.start()
    mine, other = f"c-mine{unique_suffix}", f"c-other{unique_suffix}"
    async with changes.subscribe(frozenset({mine})) as feed:
        for customer_id, fact in (
            (other, CallQueued.example()),
            (mine, TaskClosed.example()),
            (mine, CallQueued.example()),
        ):
            partition = partition_for(customer_id, OUTREACH_EVENTS.partitions)
            await publisher.publish(OUTREACH_EVENTS.name, {partition: [entry(customer_id, fact)]})
        async with asyncio.timeout(20):
            told = await feed.changed()
    await changes.stop()
    await publisher.close()
    assert told == (CallChanged(mine, CallQueued.example().call_id),)


async def test_a_watcher_that_falls_behind_is_told_that_it_missed_something():
    fan_out = ChangeFanOut()
    async with fan_out.subscribe(frozenset()) as feed, fan_out.subscribe(frozenset({"c-0"})) as narrow:
        for number in range(MAX_PENDING + 1):
            fan_out.tell(CallChanged(f"c-{number}", "c"))
        assert await feed.changed() == ()
        assert await narrow.changed() == (CallChanged("c-0", "c"),)
        fan_out.tell(CallChanged("c-1", "c"))
        assert await feed.changed() == (CallChanged("c-1", "c"),)
        fan_out.miss()
        assert await narrow.changed() == ()
    fan_out.tell(CallChanged("c-1", "c"))
