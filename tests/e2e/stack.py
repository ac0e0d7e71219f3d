"""The whole product, wired as by `make run`, on servers of its own: Kafka, Redis, carrier sandbox, three services."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from threading import Lock
from typing import Any

from kafka import KafkaProducer
from pydantic import SecretStr

from cli.stack.kafka import EmbeddedKafka
from cli.stack.plan import CALLBACK, DIALER, GENERATED_SECRETS, NOTIFIER, StackPlan
from cli.stack.ports import StackPorts, is_free
from cli.stack.redis import EmbeddedRedis
from cli.stack.run_folder import RunFolder
from cli.stack.run_settings import RunSettings
from common.events.codec import encode
from common.events.envelope import Envelope
from common.events.profiles import CustomerProfile
from common.events.topics import CUSTOMER_PROFILES, POLICY_EVENTS
from common.kafka.admin import admin_client, ensure_topics
from tests.e2e.ledger import LedgerReader
from tests.e2e.packs import write_policies
from tests.e2e.people import People
from tests.support.forks.client import Forks
from tests.support.polling import eventually
from tests.support.ports import free_port
from tests.support.sandbox import Sandbox
from tests.support.service_process import ServiceProcess

RING_SECONDS = "60"
"""Twice as long as by default: a phone that is answered by a test rings no faster than life."""

CUSTOMERS_SPEED = 20.0
"""As in `make run`: simulated customers live so many times faster than real ones."""

PRELOADED = [
    "services.notifier.bootstrap",
    "services.callback.bootstrap",
    "services.outbound_dialer.bootstrap",
    "cli.app",
]
PORTS_OF_A_STACK = range(50, 94)
START_SECONDS, COMMAND_SECONDS, PUBLISH_SECONDS = 180.0, 120.0, 60.0
"""Bounds for a machine that does ten other things."""


@dataclass(frozen=True)
class Said:
    """What a command printed, and its exit code."""

    text: str
    code: int


class Stack:
    """The running product and everything around it; stories use it at the same time."""

    def __init__(
        self, *, directory: Path, plan: StackPlan, carrier: Sandbox, forks: Forks, ledger: LedgerReader
    ) -> None:
        self.directory = directory
        self.policies = write_policies(directory / "policies")
        self.plan = plan
        self.carrier = carrier
        self.ledger = ledger
        self.people = People()
        self._forks = forks
        self._commands = count(1)
        self._lock = Lock()
        environment = {**plan.service_environment(), **_for_tests(self.policies)}
        ports = plan.ports
        http_ports = {NOTIFIER: ports.notifier_http, CALLBACK: ports.callback_http, DIALER: ports.dialer_http}
        self.services = {
            name: ServiceProcess(forks, f"services.{name}", environment, port) for name, port in http_ports.items()
        }
        self._producer: Any = KafkaProducer(bootstrap_servers=plan.bootstrap, acks="all", linger_ms=0)

    def start(self) -> None:
        """Returns when all services are ready."""
        for service in self.services.values():
            service.begin()
        for service in self.services.values():
            eventually(service.is_ready, START_SECONDS, interval=0.1)

    def stop(self) -> None:
        """Stops the services as an operator does, so that they finish what they have in hand."""
        self._producer.close()
        codes = {name: service.stop()[0] for name, service in self.services.items()}
        assert set(codes.values()) == {0}, codes

    def tell(self, *facts: Envelope) -> None:
        """Upstream publishes facts, in this order; returns when Kafka has them."""
        for fact in facts:
            topic = CUSTOMER_PROFILES if isinstance(fact.data, CustomerProfile) else POLICY_EVENTS
            record = encode(fact)
            sent = self._producer.send(topic.name, key=record.key, value=record.value, headers=record.headers)
            sent.get(timeout=PUBLISH_SECONDS)

    def command(self, *arguments: str) -> Said:
        """Runs `nineconnect` with these arguments as a process of its own."""
        with self._lock:
            name = f"command-{next(self._commands)}"
        where = {"KAFKA_BOOTSTRAP_SERVERS": self.plan.bootstrap}
        code = self._forks.start("cli", *arguments, name=name, environment=where).wait(COMMAND_SECONDS)
        return Said(self._forks.log_path(name).read_text(), code)


def _for_tests(policies: Path) -> dict[str, str]:
    directories = {f"{prefix}_POLICIES_DIR": str(policies) for prefix in ("NOTIFIER", "CALLBACK", "DIALER")}
    return {**directories, "DIALER_RING_SECONDS": RING_SECONDS, "LOG_FORMAT": "json"}


def _free_base() -> int:
    def attempt() -> int:
        base = free_port()
        return base if all(is_free(base + offset) for offset in PORTS_OF_A_STACK) else 0

    return eventually(attempt)


@contextmanager
def running_stack(directory: Path) -> Iterator[Stack]:
    """Everything started, and stopped afterwards by the same thread."""
    with ExitStack() as exits:
        base = _free_base()
        kafka = EmbeddedKafka(directory=directory / "kafka", port=free_port(), controller_port=free_port())
        redis = EmbeddedRedis(directory=directory / "redis", port=free_port())
        carrier, forks = Sandbox(directory, speed=CUSTOMERS_SPEED), Forks(PRELOADED, directory)
        with ThreadPoolExecutor() as beside:
            # the servers die with the thread that starts them; these two do not, and take as long
            started = [beside.submit(exits.enter_context, part) for part in (carrier, forks)]
            for server in (kafka, redis):
                exits.callback(server.kill)
                server.start()
            for one in started:
                one.result()
        with admin_client(kafka.bootstrap) as admin:
            ensure_topics(admin)
        plan = _plan(base, directory, kafka, redis, carrier)
        ledger = exits.enter_context(LedgerReader(kafka.bootstrap))
        stack = Stack(directory=directory, plan=plan, carrier=carrier, forks=forks, ledger=ledger)
        exits.callback(stack.stop)
        stack.start()
        yield stack


def _plan(base: int, directory: Path, kafka: EmbeddedKafka, redis: EmbeddedRedis, carrier: Sandbox) -> StackPlan:
    settings = RunSettings(
        port_base=base,
        kafka_bootstrap_servers=kafka.bootstrap,
        redis_url=redis.url,
        twilio_base_url=carrier.url,
        twilio_account_sid=carrier.account_sid,
        twilio_auth_token=SecretStr(carrier.auth_token),
    )
    folder = RunFolder(directory, base)
    folder.path.mkdir()
    return StackPlan(settings, StackPorts(base), folder, folder.secrets(GENERATED_SECRETS))
