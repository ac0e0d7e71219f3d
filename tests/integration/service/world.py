"""The notifier on servers of its own, what upstream tells it, and what an operator sees of it."""

import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import orjson
from kafka import KafkaProducer
from redis import Redis
from typer.testing import CliRunner

from cli.app import build_app
from cli.event_reading import read_ledger
from cli.kafka_records import StoredRecord, read_topic
from cli.stack.kafka import EmbeddedKafka
from cli.stack.redis import EmbeddedRedis
from common.events.codec import encode
from common.events.envelope import Envelope
from common.events.profiles import CustomerProfile
from common.events.topics import CUSTOMER_PROFILES, OUTREACH_EVENTS, POLICY_EVENTS, partition_for
from common.kafka.admin import admin_client, ensure_topics
from common.kafka.dead_letters import Position
from common.kernel.redis.keys import CLOCK_SEPARATOR, ShardKeys
from common.twilio.signature import SIGNATURE_HEADER, signature_of
from tests.chaos.customers import Customer, customers
from tests.integration.service.bad_input import STRAY_NUMBER
from tests.support.forks.client import Forks
from tests.support.polling import eventually
from tests.support.ports import free_port
from tests.support.relays.host import RelayHost
from tests.support.relays.http1 import Http1Wire
from tests.support.relays.ordered import OrderedConversation
from tests.support.relays.tap import Channel, Tap
from tests.support.relays.tcp import Relay
from tests.support.sandbox import ACCOUNT_SID, AUTH_TOKEN, Sandbox
from tests.support.service_process import ServiceProcess

POLICIES = Path(__file__).resolve().parents[3] / "policies"
LOOPBACK = "127.0.0.1"
WAIT_SECONDS = 60.0
"""Far more than anything here takes; a loaded machine must not fail it."""

NOTIFIER = "notifier"
CARRIER_SPEED = 20.0
"""Times as fast as life: a message is delivered after an eighth of a second."""

SETTINGS: Mapping[str, str] = {
    "TWILIO_ACCOUNT_SID": ACCOUNT_SID,
    "TWILIO_AUTH_TOKEN": AUTH_TOKEN,
    "LOG_FORMAT": "json",
    "NOTIFIER_POLICIES_DIR": str(POLICIES),
    "NOTIFIER_POLICIES_OVERLAY": "demo",
    "NOTIFIER_SESSION_TIMEOUT_SECONDS": "2",
    "NOTIFIER_LEASE_SECONDS": "2",
    "NOTIFIER_AUDIT_TRAIL_SECONDS": "1",
    "NOTIFIER_ATTEMPT_START_SECONDS": "2",
    "NOTIFIER_PROVIDER_DEADLINE_SECONDS": "5",
    "NOTIFIER_PROVIDER_SETTLE_SECONDS": "2",
    "NOTIFIER_RECONCILE_EVERY_SECONDS": "0.5",
    "NOTIFIER_RECEIPT_CHECK_SECONDS": "3",
}
"""Short times, so that doubts are settled in seconds; deadlines that a loaded machine can keep."""

PUBLISH_SECONDS = 30
MAX_REQUEST_BYTES = 4 * 1024 * 1024

NEVER_TOLD = ("Ada Sample", "Ada", "not enough money", "You stay covered", STRAY_NUMBER, AUTH_TOKEN)
"""The customers' name, words of their messages, and what else must stand in no log."""


class World:
    """See the module; made by `running_world`."""

    def __init__(
        self, kafka: EmbeddedKafka, redis: EmbeddedRedis, carrier: Sandbox, notifier: ServiceProcess, tap: Tap
    ) -> None:
        self.kafka = kafka
        self.redis_server = redis
        self.carrier = carrier
        self.notifier = notifier
        self.redis: Any = Redis.from_url(redis.url)
        self._told: dict[str, list[Position]] = {}
        self._tap = tap
        self._customers = customers("hard")
        self._met: list[Customer] = []
        self._producer: Any = None

    def close(self) -> None:
        """Lets go of Kafka and Redis."""
        self.let_go_of_kafka()
        self.redis.close()

    def let_go_of_kafka(self) -> None:
        """Closes the connection; the client leaks sockets while a broker is away."""
        if self._producer is not None:
            self._producer.close()
            self._producer = None

    # upstream

    def stranger(self) -> Customer:
        """Somebody new, of whom no profile has arrived."""
        customer = next(self._customers)
        self._met.append(customer)
        return customer

    def customer(self) -> Customer:
        """Somebody new whom the notifier knows."""
        return self.customers(1)[0]

    def customers(self, count: int) -> list[Customer]:
        """Several, at once."""
        new = [self.stranger() for _ in range(count)]
        for customer in new:
            self.tell(customer.profile())
        for customer in new:
            eventually(lambda: self.redis.exists(self.document_key(customer)), WAIT_SECONDS)  # noqa: B023  # called at once
        return new

    def tell(self, event: Envelope) -> Position:
        """Publishes an event as it should be."""
        topic = CUSTOMER_PROFILES if isinstance(event.data, CustomerProfile) else POLICY_EVENTS
        record = encode(event)
        at = self.send(record.value, key=record.key, headers=record.headers, topic=topic.name)
        self._told.setdefault(event.customer_id, []).append(at)
        return at

    def send(
        self,
        value: bytes | None,
        *,
        key: bytes | None,
        headers: Sequence[tuple[str, bytes]] = (),
        topic: str = POLICY_EVENTS.name,
        partition: int | None = None,
    ) -> Position:
        """Publishes any bytes; returns where they stand."""
        if self._producer is None:
            self._producer = KafkaProducer(
                bootstrap_servers=self.kafka.bootstrap, acks="all", max_request_size=MAX_REQUEST_BYTES
            )
        at = partition_for(key.decode()) if partition is None and key else partition
        sent = self._producer.send(topic, value=value, key=key, headers=list(headers), partition=at)
        stored = sent.get(timeout=PUBLISH_SECONDS)
        return Position(stored.topic, stored.partition, stored.offset)

    # the customers' side

    def texts(self, customer: Customer) -> list[str]:
        """What the carrier was asked to send to the customer, in order."""
        return [str(entry["body"]) for entry in self.carrier.book("message", to=customer.phone_number)]

    def hears(self, customer: Customer, times: int = 1) -> None:
        """Returns once the customer was sent so many messages; more are an error at once."""

        def heard() -> bool:
            count = len(self.texts(customer))
            if count > times:
                raise RuntimeError(f"{customer.customer_id} was sent {count} messages")
            return count == times

        eventually(heard, WAIT_SECONDS, interval=0.05)

    # the carrier's side

    def webhook(self, customer: Customer, **fields: str) -> int:
        """The carrier reports on the customer's latest message; returns the status it is answered with."""
        return self.signed_as(customer, {"MessageSid": self._latest(customer)["sid"], **fields})

    def signed_as(self, customer: Customer, form: Mapping[str, str]) -> int:
        """The carrier posts just this form for the customer's latest message."""
        callback = str(self._latest(customer)["status_callback"])
        return self.signed(callback.removeprefix(self.notifier.url), **form)

    def signed(self, path: str, **form: str) -> int:
        """Posts a form with the carrier's true signature; returns the status it is answered with."""
        signature = signature_of(AUTH_TOKEN, self.notifier.url + path, form.items())
        return self.notifier.post(path, urlencode(form).encode(), {SIGNATURE_HEADER: signature})[0]

    def _latest(self, customer: Customer) -> dict[str, Any]:
        return self.carrier.book("message", to=customer.phone_number)[-1]

    # the operator's side

    def cli(self, *arguments: str) -> str:
        """What the command prints; it must succeed."""
        environment = {"KAFKA_BOOTSTRAP_SERVERS": self.kafka.bootstrap}
        result = CliRunner().invoke(build_app(), list(arguments), env=environment)
        assert result.exit_code == 0, result.output
        return str(result.stdout)

    def letters(self) -> dict[Position, dict[str, Any]]:
        """`dlq list`, by original."""
        found = orjson.loads(self.cli("dlq", "list", "--json", "--last", "1000"))
        return {Position(letter["topic"], letter["partition"], letter["offset"]): letter for letter in found}

    def replay(self, original: Position) -> None:
        """`dlq replay` of one letter."""
        place = ("--topic", original.topic, "--partition", str(original.partition), "--offset", str(original.offset))
        self.cli("dlq", "replay", *place)

    def letter(self, original: Position) -> dict[str, Any]:
        """The letter of one record, once there is one."""

        def found() -> dict[str, Any]:
            return self.letters().get(original, {})

        return eventually(found, WAIT_SECONDS, interval=0.5)

    def held(self) -> list[dict[str, Any]]:
        """`held list`."""
        return list(orjson.loads(self.cli("held", "list", "--json")))

    def ledger(self, customer: Customer) -> list[Envelope]:
        """The ledger's entries of the customer, doubles left out."""
        bootstrap, places = self.kafka.bootstrap, [customer.shard]
        return list(read_ledger(bootstrap, customer_id=customer.customer_id, partitions=places))

    def told(self, customer: Customer) -> list[str]:
        """The types of these."""
        return [entry.type for entry in self.ledger(customer)]

    def settles(self, customer: Customer) -> None:
        """Returns once all that was told of the customer is audited, published, and nothing is left to do."""
        for at in self._told[customer.customer_id]:
            self.audited_past(at)
        eventually(lambda: not list(self._unfinished(customer)), WAIT_SECONDS)

    def _unfinished(self, customer: Customer) -> Iterator[str]:
        keys = ShardKeys(NOTIFIER, customer.shard)
        members = (member.decode() for member in self.redis.zrange(keys.due, 0, -1))
        yield from (member for member in members if member.startswith(customer.customer_id + CLOCK_SEPARATOR))
        if self.redis.xlen(keys.outbox) or self.redis.zcard(keys.changed):
            yield "entries to publish"

    def audited_past(self, at: Position) -> None:
        """Returns once the audit has looked at this record."""
        record = ShardKeys(NOTIFIER, at.partition).record
        eventually(lambda: int(self.redis.hget(record, f"at:{at.topic}") or 0) > at.offset, WAIT_SECONDS)

    def must_have_kept_secrets(self) -> None:
        """Fails if a number, name or text of a customer stands where it must not, after all that has happened."""
        places = {
            "log": self.notifier.log(),
            "ledger": "\n".join(str(record) for record in self._raw_ledger()),
            "targets of requests to the carrier": "\n".join(self._targets()),
        }
        for place, text in places.items():
            found = [secret for secret in self._secrets() if secret in text]
            assert not found, f"{place} tells {found}"

    def _raw_ledger(self) -> Iterator[StoredRecord]:
        """What the product wrote there, and not what a test put beside it."""
        for record in read_topic(self.kafka.bootstrap, OUTREACH_EVENTS):
            if record.headers:
                yield record

    def _secrets(self) -> Iterator[str]:
        for customer in self._met:
            yield customer.phone_number.removeprefix("+")
        yield from NEVER_TOLD

    def _targets(self) -> Iterator[str]:
        """Method and target of each request to the carrier, without the one field that must name the customer."""
        for request in self._tap.seen:
            target = request.raw.split(b"\r\n", 1)[0].decode()
            yield re.sub(r"([?&])To=[^&]*", r"\1", target)

    def document_key(self, customer: Customer) -> str:
        """The Redis key of the customer's document."""
        return ShardKeys(NOTIFIER, customer.shard).doc(customer.customer_id)


@contextmanager
def running_world(directory: Path) -> Iterator[World]:
    """Servers and a ready notifier."""
    kafka = EmbeddedKafka(directory=directory / "kafka", port=free_port(), controller_port=free_port(), heap="256m")
    redis = EmbeddedRedis(directory=directory / "redis", port=free_port())
    carrier = Sandbox(directory, speed=CARRIER_SPEED)
    with ExitStack() as exits:
        for server in (redis, kafka, carrier):
            exits.callback(server.kill)
            server.start()
        with admin_client(kafka.bootstrap) as admin:
            ensure_topics(admin)
        tap = Tap()
        relay = Relay((LOOPBACK, carrier.port), lambda: OrderedConversation(Http1Wire(Channel.CARRIER), tap))
        carrier_port = exits.enter_context(RelayHost()).add(relay)
        forks = exits.enter_context(Forks(["services.notifier.bootstrap"], directory))
        http_port = free_port()
        addresses = {
            "KAFKA_BOOTSTRAP_SERVERS": kafka.bootstrap,
            "REDIS_URL": redis.url,
            "TWILIO_BASE_URL": f"http://{LOOPBACK}:{carrier_port}",
            "NOTIFIER_PUBLIC_URL": f"http://{LOOPBACK}:{http_port}",
            "NOTIFIER_HTTP_PORT": str(http_port),
        }
        notifier = ServiceProcess(forks, "services.notifier", {**SETTINGS, **addresses}, http_port)
        world = World(kafka, redis, carrier, notifier, tap)
        exits.callback(world.close)
        notifier.start()
        yield world
