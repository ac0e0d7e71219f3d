"""A relay before a real broker that advertises it: Produce and OffsetCommit counted, the client ended at each."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from kafka import KafkaAdminClient, KafkaConsumer, TopicPartition
from kafka.admin import NewTopic

from cli.stack.kafka import EmbeddedKafka
from tests.integration.relays.conftest import KILLED, Victims
from tests.support.ports import free_port
from tests.support.relays.host import RelayHost
from tests.support.relays.kafka_wire import KafkaWire
from tests.support.relays.listeners import relayed_listeners
from tests.support.relays.ordered import OrderedConversation
from tests.support.relays.tap import Moment, Tap
from tests.support.relays.tcp import Relay


@dataclass(frozen=True)
class Broker:
    """A broker, and the ports of its relayed listener."""

    bootstrap: str
    behind: int
    advertised: int

    def end_offset(self, name: str) -> int:
        partition = TopicPartition(name, 0)
        consumer = KafkaConsumer(bootstrap_servers=self.bootstrap)
        try:
            return int(consumer.end_offsets([partition])[partition])
        finally:
            consumer.close()

    def committed(self, name: str) -> int:
        consumer = KafkaConsumer(bootstrap_servers=self.bootstrap, group_id=name)
        try:
            return int(consumer.committed(TopicPartition(name, 0)) or 0)
        finally:
            consumer.close()


@pytest.fixture(scope="module")
def broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    port, controller, behind, advertised = (free_port() for _ in range(4))
    embedded = EmbeddedKafka(
        directory=tmp_path_factory.mktemp("kafka"),
        port=port,
        controller_port=controller,
        overrides=relayed_listeners(port, controller, {"VICTIM": (behind, advertised)}),
    )
    embedded.start()
    yield Broker(embedded.bootstrap, behind, advertised)
    embedded.stop()


@pytest.fixture
def name(broker: Broker, unique_suffix: str) -> str:
    """A topic of this test's own, which also names its group."""
    topic = f"steps{unique_suffix}"
    admin = KafkaAdminClient(bootstrap_servers=broker.bootstrap)
    admin.create_topics([NewTopic(topic, 1, 1)])
    admin.close()
    return topic


def relay(host: RelayHost, broker: Broker, tap: Tap) -> int:
    upstream = ("127.0.0.1", broker.behind)
    return host.add(Relay(upstream, lambda: OrderedConversation(KafkaWire(), tap)), broker.advertised)


@pytest.mark.parametrize(("kind", "label"), [("produce", "Produce"), ("commit", "OffsetCommit")])
def test_untouched_run_counts_every_effect(
    host: RelayHost, victims: Victims, broker: Broker, name: str, kind: str, label: str
) -> None:
    tap = Tap()
    assert victims.run("kafka_client", kind, relay(host, broker, tap), tap, arg=name) == 0
    assert [request.label for request in tap.seen] == [label] * 12


@pytest.mark.parametrize("at", [1, 7])
@pytest.mark.parametrize(("moment", "done"), [(Moment.BEFORE, -1), (Moment.AFTER, 0)])
def test_kill_at_a_produce(
    host: RelayHost, victims: Victims, broker: Broker, name: str, at: int, moment: Moment, done: int
) -> None:
    tap = Tap()
    assert (
        victims.run("kafka_client", "produce", relay(host, broker, tap), tap, at=at, moment=moment, arg=name) == KILLED
    )
    assert broker.end_offset(name) == at + done


@pytest.mark.parametrize("at", [2, 7])
@pytest.mark.parametrize(("moment", "done"), [(Moment.BEFORE, -1), (Moment.AFTER, 0)])
def test_kill_at_an_offset_commit(
    host: RelayHost, victims: Victims, broker: Broker, name: str, at: int, moment: Moment, done: int
) -> None:
    tap = Tap()
    assert (
        victims.run("kafka_client", "commit", relay(host, broker, tap), tap, at=at, moment=moment, arg=name) == KILLED
    )
    assert broker.committed(name) == at + done


async def test_a_group_of_aiokafka_consumes_through_the_relay_alone(host: RelayHost, broker: Broker, name: str) -> None:
    tap = Tap()
    address = f"127.0.0.1:{relay(host, broker, tap)}"
    async with AIOKafkaProducer(bootstrap_servers=address, acks=0) as careless:
        await careless.send_and_wait(name, b"unanswered")
        await careless.flush()
    async with AIOKafkaProducer(bootstrap_servers=address) as producer:
        await producer.send_and_wait(name, b"x" * 900_000)
    async with AIOKafkaConsumer(
        name, bootstrap_servers=address, group_id=name, auto_offset_reset="earliest", enable_auto_commit=False
    ) as consumer:
        sizes = [len((await consumer.getone()).value or b"") for _ in range(2)]
        await consumer.commit()
    assert sizes == [10, 900_000]
    assert [request.label for request in tap.seen] == ["Produce", "Produce", "OffsetCommit"]
