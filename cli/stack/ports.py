"""TCP ports of the loopback interface: which are free, and which the stack takes from `PORT_BASE`."""

import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from cli.stack.errors import StackError

LOOPBACK = "127.0.0.1"


def is_free(port: int) -> bool:
    """Whether a server could listen on the loopback port now."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # what a server does: a port whose last connections linger in TIME_WAIT counts as free
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((LOOPBACK, port))
        except OSError:
            return False
    return True


def is_listening(port: int, *, timeout_seconds: float = 0.2) -> bool:
    """Whether something accepts connections on the loopback port."""
    try:
        with socket.create_connection((LOOPBACK, port), timeout=timeout_seconds):
            return True
    except OSError:
        return False


def require_free(ports: Mapping[str, int], *, remedy: str) -> None:
    """Refuse taken ports before anything is started.

    Args:
        ports: name of the part that wants it, and the port.
        remedy: what a person can do, e.g. choose another `PORT_BASE`.

    Raises:
        StackError: names every taken port and the part that wanted it.
    """
    taken = [f"{port} (for {name})" for name, port in ports.items() if not is_free(port)]
    if taken:
        raise StackError(f"Port already in use: {_listed(taken)}.", remedy=remedy)


def _listed(words: Iterable[str]) -> str:
    return ", ".join(words)


@dataclass(frozen=True)
class StackPorts:
    """The ports of a local stack, counted from `PORT_BASE`."""

    base: int

    @property
    def dialer_grpc(self) -> int:
        """The outbound dialer's gRPC server."""
        return self.base + 51

    @property
    def redis(self) -> int:
        """Redis."""
        return self.base + 79

    @property
    def sandbox(self) -> int:
        """The carrier sandbox."""
        return self.base + 80

    @property
    def notifier_http(self) -> int:
        """The notifier's status webhooks, health and metrics."""
        return self.base + 81

    @property
    def callback_http(self) -> int:
        """The callback service's API, health and metrics."""
        return self.base + 82

    @property
    def dialer_http(self) -> int:
        """The outbound dialer's status webhooks, health and metrics."""
        return self.base + 83

    @property
    def kafka(self) -> int:
        """Kafka."""
        return self.base + 92

    @property
    def kafka_controller(self) -> int:
        """Kafka's KRaft controller."""
        return self.base + 93
