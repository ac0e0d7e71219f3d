"""The real parts under a benchmark: Kafka, Redis, the carrier sandbox, and services as processes of their own."""

import asyncio
import os
import subprocess
import sys
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from uuid import uuid4

import psutil
from aiokafka import AIOKafkaProducer

from cli.stack.kafka import EmbeddedKafka
from cli.stack.redis import EmbeddedRedis
from common.events.codec import encode
from common.events.envelope import Envelope
from common.events.model import Fact
from common.events.profiles import CustomerProfile
from common.events.topics import CUSTOMER_PARTITIONS, partition_for
from common.events.upstream import PremiumPaymentFailed
from common.kafka.admin import admin_client, ensure_topics
from tests.support.polling import eventually
from tests.support.ports import free_port
from tests.support.sandbox import Sandbox

START_TIMEOUT = 60.0
ORDINARY = 79
"""Numbers that end in 00 to 78 play no tricks in the sandbox's table of customers."""

REPOSITORY = Path(__file__).resolve().parents[2]


@dataclass
class Service:
    """A running service."""

    name: str
    process: subprocess.Popen[bytes]
    port: int
    log: Path

    @property
    def cpu_seconds(self) -> float:
        """CPU time of all its threads so far."""
        times = psutil.Process(self.process.pid).cpu_times()
        return float(times.user + times.system)

    def metrics(self) -> str:
        """Its exposition."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=10) as answer:
            return str(answer.read().decode())

    def metric(self, prefix: str) -> float:
        """The sum of all series whose line starts so."""
        return sum(float(line.rsplit(" ", 1)[1]) for line in self.metrics().splitlines() if line.startswith(prefix))

    def ready(self) -> bool:
        """Whether it says so itself."""
        assert self.process.poll() is None, self.log.read_text()[-3000:]
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/health/ready", timeout=5) as answer:
                return bool(answer.status == 200)
        except OSError:
            return False


@dataclass
class Stack:
    """Kafka, Redis and a carrier, with whatever services a benchmark starts."""

    directory: Path
    kafka: EmbeddedKafka
    redis: EmbeddedRedis
    sandbox: Sandbox
    services: list[Service] = field(default_factory=list)

    def start(self, name: str, settings: Mapping[str, str] | None = None) -> Service:
        """Starts `services.<name>`; returns when it is ready."""
        port = free_port()
        prefix = {"notifier": "NOTIFIER", "callback": "CALLBACK", "outbound_dialer": "DIALER"}[name]
        environment = {
            **os.environ,
            "KAFKA_BOOTSTRAP_SERVERS": self.kafka.bootstrap,
            "REDIS_URL": self.redis.url,
            "TWILIO_BASE_URL": self.sandbox.url,
            "TWILIO_ACCOUNT_SID": self.sandbox.account_sid,
            "TWILIO_AUTH_TOKEN": self.sandbox.auth_token,
            f"{prefix}_HTTP_PORT": str(port),
            **({} if prefix == "CALLBACK" else {f"{prefix}_PUBLIC_URL": f"http://127.0.0.1:{port}"}),
            **(settings or {}),
        }
        log = self.directory / f"{name}-{port}.log"
        process = subprocess.Popen(
            [sys.executable, "-m", f"services.{name}"], cwd=REPOSITORY, env=environment, stderr=log.open("wb")
        )
        service = Service(name, process, port, log)
        self.services.append(service)
        eventually(service.ready, START_TIMEOUT, interval=0.1)
        return service

    def stop_services(self) -> None:
        """Stops what was started."""
        for service in self.services:
            service.process.terminate()
        for service in self.services:
            service.process.wait(20)
        self.services.clear()


@contextmanager
def stack(sandbox_settings: Mapping[str, str] | None = None) -> Iterator[Stack]:
    """A fresh stack in a temporary folder, gone afterwards."""
    with TemporaryDirectory(prefix="nineconnect-bench-") as name, ExitStack() as exits:
        directory = Path(name)
        kafka = EmbeddedKafka(directory=directory / "kafka", port=free_port(), controller_port=free_port())
        (directory / "redis").mkdir()
        redis = EmbeddedRedis(directory=directory / "redis", port=free_port())
        sandbox = Sandbox(directory, settings=dict(sandbox_settings or {}))
        for part in (kafka, redis, sandbox):
            part.start()
            exits.callback(part.stop)
        with admin_client(kafka.bootstrap) as admin:
            ensure_topics(admin)
        running = Stack(directory, kafka, redis, sandbox)
        exits.callback(running.stop_services)
        yield running


def awake_zone(now: datetime) -> str:
    """A zone in which it is about noon now, so that no message is held."""
    offset = (12 - now.hour + 11) % 24 - 11
    return f"Etc/GMT{-offset:+d}" if offset else "Etc/UTC"


def customer(number: int) -> str:
    """The id of a made-up customer."""
    return f"bench-{number:07d}"


def profile_of(number: int, now: datetime) -> CustomerProfile:
    """A customer who is awake and whose name is found again in the text of a message."""
    return CustomerProfile.model_validate(
        {
            "customer_id": customer(number),
            "name": f"Customer{number:07d}",
            "phone_numbers": [{"phone_number": f"+1202555{100 + number % ORDINARY:04d}"}],
            "language": "en",
            "time_zone": awake_zone(now),
            "region": "US-DC",
            "jurisdiction": "US",
        }
    )


def failed_payment(number: int, now: datetime) -> PremiumPaymentFailed:
    """A failed payment of that customer."""
    example = {**PremiumPaymentFailed.EXAMPLE, "policy_id": f"P-{number}", "failed_at": now.isoformat()}
    return PremiumPaymentFailed.model_validate(example)


class Publisher:
    """Publishes facts to the customer topics."""

    def __init__(self, bootstrap: str) -> None:
        self._producer = AIOKafkaProducer(bootstrap_servers=bootstrap, acks=1, linger_ms=2)

    async def __aenter__(self) -> "Publisher":
        await self._producer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._producer.stop()

    async def send(self, topic: str, number: int, data: Fact, now: datetime) -> None:
        """Sends one fact; returns once it is buffered."""
        customer_id = customer(number)
        encoded = encode(
            Envelope(id=uuid4().hex, source="/bench", type=data.TYPE, time=now, customer_id=customer_id, data=data)
        )
        partition = partition_for(customer_id, CUSTOMER_PARTITIONS)
        await self._producer.send(
            topic, key=encoded.key, value=encoded.value, headers=encoded.headers, partition=partition
        )

    async def profiles(self, numbers: Sequence[int]) -> None:
        """Sends the profiles of these customers and waits until Kafka has them."""
        now = datetime.now(UTC)
        for number in numbers:
            await self.send("customer-profiles.v1", number, profile_of(number, now), now)
        await self._producer.flush()

    async def failures(self, numbers: Sequence[int], per_second: float | None = None) -> dict[int, datetime]:
        """Sends a failed payment each, evenly at this rate, or as fast as it goes; returns when each was sent."""
        sent: dict[int, datetime] = {}
        began = asyncio.get_running_loop().time()
        for position, number in enumerate(numbers):
            if per_second:
                due = began + position / per_second
                await asyncio.sleep(max(due - asyncio.get_running_loop().time(), 0))
            now = datetime.now(UTC)
            sent[number] = now
            await self.send("policy-events.v1", number, failed_payment(number, now), now - timedelta(milliseconds=1))
        await self._producer.flush()
        return sent
