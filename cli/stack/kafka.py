"""One real Apache Kafka broker (KRaft, one node, loopback only) for a developer's machine and for tests."""

from collections.abc import Mapping
from pathlib import Path

from kafka import KafkaAdminClient
from kafka.errors import KafkaError

from cli.stack.errors import StackError
from cli.stack.kafka_jars import java, kafka_jars
from cli.stack.ports import LOOPBACK, is_listening, require_free
from cli.stack.processes import Program, last_words, spawn
from cli.stack.server import EmbeddedServer

CLUSTER_ID = "bmluZWNvbm5lY3Rsb2NhbA"
JAVA_OPTIONS = (
    # measured: up in 2 s with these, 5 s without
    "-XX:+UseSerialGC",
    "-XX:TieredStopAtLevel=1",
    "-Dlog4j2.level=WARN",
    "--enable-native-access=ALL-UNNAMED",
    "--sun-misc-unsafe-memory-access=allow",
)
PROBE_TIMEOUT_MS = 1000


class EmbeddedKafka(EmbeddedServer):
    """A broker whose data stay in `directory` between runs.

    Args:
        directory: takes configuration, data and log; made when missing.
        port: loopback port of the broker.
        controller_port: loopback port of its KRaft controller.
        heap: Java's largest heap.
        overrides: broker properties that replace ours.
    """

    def __init__(
        self,
        *,
        directory: Path,
        port: int,
        controller_port: int,
        heap: str = "512m",
        overrides: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(name="Kafka", log_path=directory / "kafka.log")
        self.bootstrap = f"{LOOPBACK}:{port}"
        self._directory = directory
        self._port = port
        self._controller_port = controller_port
        self._heap = heap
        self._overrides = dict(overrides or {})

    def prepare(self) -> None:
        """Write the configuration and format the data directory the first time; needs free ports.

        Raises:
            StackError: a port is taken, or the directory could not be formatted.
        """
        require_free(
            {"Kafka": self._port, "Kafka's controller": self._controller_port},
            remedy="stop what listens there, or choose other ports.",
        )
        self._directory.mkdir(parents=True, exist_ok=True)
        self._config_path.write_text("".join(f"{key}={value}\n" for key, value in self._properties().items()))
        if not (self._data_path / "meta.properties").exists():
            self._format()

    def program(self) -> Program:
        """How the broker is started once `prepare` was called."""
        return Program(
            name="kafka",
            command=self._java("kafka.Kafka", str(self._config_path)),
            log_path=self.log_path,
        )

    def is_ready(self) -> bool:
        """Whether the broker answers a metadata request and counts itself as available."""
        if not is_listening(self._port):
            return False
        try:
            admin = KafkaAdminClient(
                bootstrap_servers=self.bootstrap,
                bootstrap_timeout_ms=PROBE_TIMEOUT_MS,
                request_timeout_ms=PROBE_TIMEOUT_MS,
            )
        except KafkaError:
            return False
        try:
            return bool(admin.describe_cluster()["brokers"])
        except KafkaError:
            return False
        finally:
            admin.close()

    @property
    def _config_path(self) -> Path:
        return self._directory / "server.properties"

    @property
    def _data_path(self) -> Path:
        return self._directory / "data"

    def _java(self, *arguments: str) -> list[str]:
        class_path = ":".join(str(jar) for jar in kafka_jars())
        return [str(java()), f"-Xmx{self._heap}", *JAVA_OPTIONS, "-cp", class_path, *arguments]

    def _format(self) -> None:
        command = self._java("kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", str(self._config_path))
        if spawn(Program(name="kafka-format", command=command, log_path=self.log_path)).wait():
            raise StackError(
                "Kafka's data directory could not be formatted.",
                remedy=f"remove {self._directory} (`make clean`) and start again.",
                details=last_words(self.log_path),
            )

    def _properties(self) -> dict[str, str]:
        broker, controller = self.bootstrap, f"{LOOPBACK}:{self._controller_port}"
        return {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@{controller}",
            "controller.listener.names": "CONTROLLER",
            "listeners": f"PLAINTEXT://{broker},CONTROLLER://{controller}",
            "advertised.listeners": f"PLAINTEXT://{broker}",
            "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
            "log.dirs": str(self._data_path),
            **SMALL_BROKER,
            **self._overrides,
        }


SMALL_BROKER = {
    # topics come from the typed list, never from a misspelt name
    "auto.create.topics.enable": "false",
    # a killed replica's partitions move within a second instead of six
    "group.min.session.timeout.ms": "500",
    "group.initial.rebalance.delay.ms": "0",
    # after a kill the broker waits for its own old session: 12 s with the default, 5 s with this (640 partitions)
    "broker.session.timeout.ms": "2000",
    "broker.heartbeat.interval.ms": "400",
    # a dead letter holds the original bytes, and originals of 1 MB must fit
    "message.max.bytes": "4194304",
    "offsets.topic.replication.factor": "1",
    "offsets.topic.num.partitions": "4",
    "transaction.state.log.replication.factor": "1",
    "transaction.state.log.min.isr": "1",
    "transaction.state.log.num.partitions": "4",
    "share.coordinator.state.topic.replication.factor": "1",
    "share.coordinator.state.topic.min.isr": "1",
    # 64 partitions a topic: small indexes and one small cleaner buffer instead of 10 MB and 128 MB
    "log.index.size.max.bytes": "1048576",
    "log.cleaner.dedupe.buffer.size": "16777216",
    "num.network.threads": "2",
    "num.io.threads": "4",
}
