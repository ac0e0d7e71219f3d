"""Asks whether a Kafka broker can be reached at all, before a client library is let loose on the address."""

import socket
from datetime import timedelta

from common.errors import TransientError

CONNECT_TIMEOUT = timedelta(seconds=3)


def require_reachable(bootstrap_servers: str, *, timeout: timedelta = CONNECT_TIMEOUT) -> None:
    """Returns when one of the brokers accepts a connection.

    kafka-python retries a refused connection until its own time-out and then leaks the socket (3.0.12), so a broker
    that is not there is noticed here, at once.

    Args:
        bootstrap_servers: `host:port`, several with commas between.
        timeout: for each broker.

    Raises:
        TransientError: `kafka_unavailable`, none of them accepts connections.
    """
    for server in bootstrap_servers.split(","):
        if _accepts(server.strip(), timeout):
            return
    raise TransientError("kafka_unavailable", bootstrap=bootstrap_servers)


def _accepts(server: str, timeout: timedelta) -> bool:
    host, _, port = server.rpartition(":")
    try:
        with socket.create_connection((host.strip("[]"), int(port)), timeout=timeout.total_seconds()):
            return True
    except (OSError, ValueError):
        return False
