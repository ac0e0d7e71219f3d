"""What a local run consists of: which parts are started, with which settings, and where they can be reached."""

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cli.stack.http_probe import http_probe
from cli.stack.kafka import EmbeddedKafka
from cli.stack.ports import LOOPBACK, StackPorts
from cli.stack.processes import Program
from cli.stack.redis import EmbeddedRedis
from cli.stack.run_folder import RunFolder
from cli.stack.run_settings import RunSettings
from cli.stack.supervisor import Part

ROOT = Path(__file__).resolve().parents[2]

KAFKA, REDIS, SANDBOX = "kafka", "redis", "sandbox"
NOTIFIER, CALLBACK, DIALER = "notifier", "callback", "outbound_dialer"

DEMO_OVERLAY = "demo"
SANDBOX_ACCOUNT_SID = "AC" + "0" * 32
# made once per run folder: variable name of the service that takes it
GENERATED_SECRETS = ("TWILIO_AUTH_TOKEN", "NOTIFIER_WEBHOOK_KEY", "DIALER_WEBHOOK_KEY")


@dataclass(frozen=True)
class StackPlan:
    """Pure description of one run; nothing is started or written by it."""

    settings: RunSettings
    ports: StackPorts
    folder: RunFolder
    secrets: Mapping[str, str]

    @property
    def bootstrap(self) -> str:
        """Kafka's address."""
        return self.settings.kafka_bootstrap_servers or f"{LOOPBACK}:{self.ports.kafka}"

    @property
    def redis_url(self) -> str:
        """Redis' address."""
        return self.settings.redis_url or f"redis://{LOOPBACK}:{self.ports.redis}/0"

    @property
    def sandbox_url(self) -> str | None:
        """The carrier sandbox that this run starts; None when the carrier is elsewhere."""
        return None if self.settings.twilio_base_url else f"http://{LOOPBACK}:{self.ports.sandbox}"

    @property
    def sandbox_book(self) -> Path:
        """The book of that sandbox."""
        return self.folder.path / SANDBOX / "book.jsonl"

    def wanted_ports(self) -> dict[str, int]:
        """Ports that must be free, by who wants them."""
        ports = self.ports
        wanted = {
            "the notifier": ports.notifier_http,
            "the callback service": ports.callback_http,
            "the outbound dialer": ports.dialer_http,
            "the outbound dialer's gRPC": ports.dialer_grpc,
        }
        if not self.settings.kafka_bootstrap_servers:
            wanted |= {"Kafka": ports.kafka, "Kafka's controller": ports.kafka_controller}
        if not self.settings.redis_url:
            wanted["Redis"] = ports.redis
        if self.sandbox_url:
            wanted["the carrier sandbox"] = ports.sandbox
        return wanted

    def kafka(self) -> EmbeddedKafka | None:
        """The broker to start; None when one is there already."""
        if self.settings.kafka_bootstrap_servers:
            return None
        return EmbeddedKafka(
            directory=self.folder.path / KAFKA, port=self.ports.kafka, controller_port=self.ports.kafka_controller
        )

    def redis(self) -> EmbeddedRedis | None:
        """The Redis to start; None when one is there already."""
        if self.settings.redis_url:
            return None
        return EmbeddedRedis(directory=self.folder.path / REDIS, port=self.ports.redis)

    def sandbox(self) -> Part | None:
        """The carrier sandbox; None when the carrier is elsewhere."""
        if not self.sandbox_url:
            return None
        environment = {
            "SANDBOX_PORT": str(self.ports.sandbox),
            "SANDBOX_BOOK": str(self.sandbox_book),
            "SANDBOX_ACCOUNT_SID": SANDBOX_ACCOUNT_SID,
            "SANDBOX_AUTH_TOKEN": self.secrets["TWILIO_AUTH_TOKEN"],
        }
        return Part(
            program=self._program(SANDBOX, "sandbox", environment),
            unready=http_probe(self.ports.sandbox, "/_sandbox/stats"),
        )

    def services(self) -> list[Part]:
        """The three services."""
        http_ports = {
            NOTIFIER: self.ports.notifier_http,
            CALLBACK: self.ports.callback_http,
            DIALER: self.ports.dialer_http,
        }
        environment = self.service_environment()
        return [
            Part(
                program=self._program(name, f"services.{name}", environment),
                unready=http_probe(port, "/health/ready"),
            )
            for name, port in http_ports.items()
        ]

    def service_environment(self) -> dict[str, str]:
        """Every variable that the services need; each reads the shared ones and those with its prefix."""
        return {**self._where_things_are(), **self._unless_set_otherwise()}

    def _where_things_are(self) -> dict[str, str]:
        token = self.settings.twilio_auth_token
        ports = self.ports
        return {
            "KAFKA_BOOTSTRAP_SERVERS": self.bootstrap,
            "REDIS_URL": self.redis_url,
            "TWILIO_BASE_URL": self.settings.twilio_base_url or str(self.sandbox_url),
            "TWILIO_ACCOUNT_SID": self.settings.twilio_account_sid or SANDBOX_ACCOUNT_SID,
            "TWILIO_AUTH_TOKEN": token.get_secret_value() if token else self.secrets["TWILIO_AUTH_TOKEN"],
            "NOTIFIER_HTTP_PORT": str(ports.notifier_http),
            "CALLBACK_HTTP_PORT": str(ports.callback_http),
            "CALLBACK_DIALER_TARGET": f"{LOOPBACK}:{ports.dialer_grpc}",
            "DIALER_HTTP_PORT": str(ports.dialer_http),
            "DIALER_GRPC_PORT": str(ports.dialer_grpc),
        }

    def _unless_set_otherwise(self) -> dict[str, str]:
        """What a person may choose, e.g. public addresses that a real carrier can reach."""
        defaults = {
            "LOG_FORMAT": "console",  # logs go to files that people read
            "NOTIFIER_PUBLIC_URL": f"http://{LOOPBACK}:{self.ports.notifier_http}",
            "DIALER_PUBLIC_URL": f"http://{LOOPBACK}:{self.ports.dialer_http}",
            "NOTIFIER_WEBHOOK_KEY": self.secrets["NOTIFIER_WEBHOOK_KEY"],
            "DIALER_WEBHOOK_KEY": self.secrets["DIALER_WEBHOOK_KEY"],
            # seconds instead of minutes between a message and its call
            "NOTIFIER_POLICIES_OVERLAY": DEMO_OVERLAY,
            "CALLBACK_POLICIES_OVERLAY": DEMO_OVERLAY,
            "DIALER_POLICIES_OVERLAY": DEMO_OVERLAY,
        }
        return {name: os.environ.get(name) or default for name, default in defaults.items()}

    def addresses(self) -> dict[str, str]:
        """Where each part can be reached, for a person to read."""
        shown = {
            KAFKA: self.bootstrap,
            REDIS: self.redis_url.rpartition("@")[2],
            NOTIFIER: f"http://{LOOPBACK}:{self.ports.notifier_http}",
            CALLBACK: f"http://{LOOPBACK}:{self.ports.callback_http}",
            DIALER: f"http://{LOOPBACK}:{self.ports.dialer_http}  gRPC {LOOPBACK}:{self.ports.dialer_grpc}",
        }
        return shown | ({SANDBOX: self.sandbox_url} if self.sandbox_url else {})

    def _program(self, name: str, module: str, environment: Mapping[str, str]) -> Program:
        return Program(
            name=name,
            command=[sys.executable, "-m", module],
            log_path=self.folder.logs / f"{name}.log",
            environment=environment,
            directory=ROOT,
        )
