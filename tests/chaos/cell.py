"""A cell: servers of its own, the services on them, and relays around the one under test."""

import time
from collections.abc import Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from types import TracebackType
from typing import Self

import orjson

from cli.stack.ports import LOOPBACK
from tests.chaos.customers import customers
from tests.chaos.fleet import Fleet, Replica
from tests.chaos.ground import Ground
from tests.chaos.observer import Observer
from tests.chaos.services import KILLED, MODULES, NOTIFIER, SPARED, Addresses, environment
from tests.chaos.story import Story
from tests.chaos.trial import Point, Trial, kind_of
from tests.support.forks.client import Forks
from tests.support.polling import NeverHappened, eventually
from tests.support.ports import free_port
from tests.support.relays.host import RelayHost
from tests.support.relays.http1 import Http1Wire
from tests.support.relays.http2 import Http2Conversation
from tests.support.relays.kafka_wire import KafkaWire
from tests.support.relays.listeners import relayed_listeners
from tests.support.relays.ordered import OrderedConversation, Wire
from tests.support.relays.resp import RespWire
from tests.support.relays.tap import Channel, Crash, Request, Tap, has_effect
from tests.support.relays.tcp import Relay

READY_SECONDS = 120
END_SECONDS = 180
"""Far more than any run takes: a loaded machine must not fail it, and only a stuck run waits so long."""

LOOK_SECONDS = 0.1
PATIENCE = timedelta(seconds=12)
"""How long the carrier's request waits for the restarted service; it gives up after 15 s by itself."""

HANDSHAKES = ("HELLO", "CLIENT", "INFO", "SELECT", "AUTH")
"""What each new Redis connection says first; the same for every customer and without any effect."""

LOG_TAIL_LINES = 40


class Cell:
    """Runs one crash at a time; see the module. Entered, used and left by one thread.

    Args:
        name: names its customers and logs.
        directory: takes the servers' data.
        policies: the rule packs.
        forks: starts the services.
        story: the path whose crash points are tried.
    """

    def __init__(self, name: str, directory: Path, policies: Path, forks: Forks, story: Story) -> None:
        self._name = name
        self._policies = policies
        self._fleet = Fleet(forks)
        self._story = story
        self._customers = customers(name)
        self._customer = next(self._customers)
        self._tap = Tap(self._counts)
        self._point: Point | None = None
        self._seen: list[str] = []
        self._under_test = ""
        self._http_ports = {service: free_port() for service in story.services}
        self._grpc_port = free_port()
        port, controller, self._kafka_behind, self._kafka_relay = (free_port() for _ in range(4))
        relayed = {"RELAYED": (self._kafka_behind, self._kafka_relay)}
        self._ground = Ground(
            directory,
            kafka_port=port,
            controller_port=controller,
            kafka_properties=relayed_listeners(port, controller, relayed),
        )
        self._stack = ExitStack()
        self._relays = ExitStack()

    def __enter__(self) -> Self:
        with ExitStack() as started:
            started.enter_context(self._ground)
            self._observer = started.enter_context(Observer(self._ground))
            started.enter_context(self._relays)
            started.callback(self._fleet.kill_all)
            self._stack = started.pop_all()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def put_under_test(self, service: str) -> None:
        """Starts all services anew, this one behind relays."""
        self._fleet.stop_all()
        self._relays.close()
        self._under_test = service
        host = self._relays.enter_context(RelayHost())
        dialer = self._grpc_port if service == NOTIFIER else host.add(self._rpc_relay())
        relayed = self._relayed(host, dialer)
        for each in self._story.services:
            addresses, pace = (relayed, KILLED) if each == service else (self._direct(each, dialer), SPARED)
            self._fleet.start(
                Replica(
                    name=self._replica(each),
                    module=MODULES[each],
                    environment=environment(each, addresses, self._policies, pace),
                    http_port=addresses.http_port,
                )
            )
        eventually(self._fleet.all_ready, READY_SECONDS, interval=LOOK_SECONDS)

    def _replica(self, service: str) -> str:
        return f"{self._name}-{service}"

    def _direct(self, service: str, dialer: int) -> Addresses:
        """Everything without relays but the dialer's RPCs, which concern both of their ends."""
        http_port = self._http_ports[service]
        return Addresses(
            kafka=self._ground.kafka.bootstrap,
            redis=self._ground.redis.url,
            carrier=self._ground.carrier.url,
            public_url=f"http://{LOOPBACK}:{http_port}",
            http_port=http_port,
            grpc_port=self._grpc_port,
            dialer=f"{LOOPBACK}:{dialer}",
        )

    def _relayed(self, host: RelayHost, dialer: int) -> Addresses:
        """Everything through relays, for the service under test."""
        direct = self._direct(self._under_test, dialer)
        host.add(self._relay(KafkaWire(), self._kafka_behind), self._kafka_relay)
        redis = host.add(self._relay(RespWire(), self._ground.redis.port))
        carrier = host.add(self._relay(Http1Wire(Channel.CARRIER), self._ground.carrier.port))
        webhook = host.add(self._relay(Http1Wire(Channel.WEBHOOK, keeps_alive=False), direct.http_port, PATIENCE))
        return Addresses(
            kafka=f"{LOOPBACK}:{self._kafka_relay}",
            redis=f"redis://{LOOPBACK}:{redis}/0",
            carrier=f"http://{LOOPBACK}:{carrier}",
            public_url=f"http://{LOOPBACK}:{webhook}",
            http_port=direct.http_port,
            grpc_port=direct.grpc_port,
            dialer=direct.dialer,
        )

    def _rpc_relay(self) -> Relay:
        upstream = (LOOPBACK, self._grpc_port)
        return Relay(upstream, lambda: Http2Conversation(self._tap), patience=PATIENCE)

    def _relay(self, wire: Wire, port: int, patience: timedelta = timedelta(0)) -> Relay:
        return Relay((LOOPBACK, port), lambda: OrderedConversation(wire, self._tap), patience=patience)

    def _counts(self, request: Request) -> bool:
        if not self._belongs(request):
            return False
        kind = kind_of(request)
        self._seen.append(kind)
        return self._point is not None and kind == self._point.kind

    def _belongs(self, request: Request) -> bool:
        """Whether a request is part of the present customer's path: shard loops ask for all other shards as well."""
        if request.channel is not Channel.REDIS:
            return has_effect(request)
        if b"{s%d}" % self._customer.shard in request.raw:
            return True
        return b":{s" not in request.raw and not request.label.startswith(HANDSHAKES)

    def run(self, point: Point | None = None) -> Trial:
        """One customer's whole path with one crash or none, and what was wrong in the end."""
        began = time.monotonic()
        self._customer, self._point, self._seen = next(self._customers), point, []
        self._fleet.mark_logs()
        self._tap.arm(Crash(point.at, point.moment, self._kill) if point else None)
        for fact in (self._customer.profile(), self._customer.payment_failed()):
            self._observer.publish(fact)
        problems = self._wait_for_the_end()
        struck, seen = self._tap.struck is not None, tuple(self._seen)
        self._tap.arm(None)
        problems += self._story.wrong(self._observer.ledger(self._customer), self._observer.book(self._customer))
        problems += self._fleet.bugs()
        report = "\n".join(self._report()) if problems else ""
        return Trial(point, struck, seen, time.monotonic() - began, problems, report)

    def _wait_for_the_end(self) -> list[str]:
        """Starts the service under test again when it has died; returns what never ended."""
        try:
            eventually(self._over, END_SECONDS, interval=LOOK_SECONDS)
        except NeverHappened:
            return self._unfinished()
        return []

    def _kill(self) -> None:
        self._fleet.kill(self._replica(self._under_test))

    def dead_letters(self) -> int:
        """How many records the services refused so far."""
        return self._observer.dead_letters()

    def _over(self) -> bool:
        self._fleet.revive()
        return not self._unfinished()

    def _unfinished(self) -> list[str]:
        missing = self._story.missing(self._observer.ledger(self._customer))
        if missing:
            return missing
        left = [each for service in self._story.services for each in self._observer.unfinished(service, self._customer)]
        # the other services have nothing to mend and audit at leisure
        return left or list(self._observer.unaudited(self._under_test, self._customer))

    def _report(self) -> Iterator[str]:
        """What the carrier did, what the ledger tells, what the services know and what they logged."""
        customer = self._customer
        yield f"customer {customer.customer_id}, shard {customer.shard}, {customer.phone_number}"
        yield from (f"book: {entry}" for entry in self._observer.book(customer))
        for entry in self._observer.ledger(customer):
            yield f"ledger: {entry.service} {entry.sequence} {entry.time:%H:%M:%S.%f} {entry.type} {entry.data}"
        for service in self._story.services:
            document = self._observer.document(service, customer)
            yield f"{service} knows: {orjson.dumps(document, option=orjson.OPT_INDENT_2).decode()}"
        for name, lines in self._fleet.logs():
            yield from (f"{name}: {line}" for line in lines[-LOG_TAIL_LINES:])
