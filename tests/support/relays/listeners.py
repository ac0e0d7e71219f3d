"""Broker properties that give each relay a listener of its own, so that no answer has to be rewritten."""

from collections.abc import Mapping

LOOPBACK = "127.0.0.1"


def relayed_listeners(port: int, controller_port: int, relayed: Mapping[str, tuple[int, int]]) -> dict[str, str]:
    """Properties for `EmbeddedKafka(overrides=…)`.

    A client that comes in through a listener is told that listener's advertised address, so it never gets round
    its relay.

    Args:
        port: the broker's ordinary port, not relayed.
        controller_port: its KRaft controller's.
        relayed: listener name (capital letters) to the broker's port behind the relay and the relay's own port.
    """
    bound = {
        "PLAINTEXT": port,
        "CONTROLLER": controller_port,
        **{name: behind for name, (behind, _) in relayed.items()},
    }
    told = {"PLAINTEXT": port, **{name: relay for name, (_, relay) in relayed.items()}}
    return {
        "listeners": _addresses(bound),
        "advertised.listeners": _addresses(told),
        "listener.security.protocol.map": ",".join(f"{name}:PLAINTEXT" for name in bound),
        "inter.broker.listener.name": "PLAINTEXT",
    }


def _addresses(ports: Mapping[str, int]) -> str:
    return ",".join(f"{name}://{LOOPBACK}:{port}" for name, port in ports.items())
