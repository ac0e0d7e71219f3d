"""Free loopback ports for servers of a test."""

import random

from cli.stack.ports import is_free
from cli.stack.redis import CLUSTER_BUS_OFFSET

# below Linux's range for outgoing connections (32768 and up): otherwise a connection of somebody else may take
# the port of a server that a test has just killed and starts again
LOWEST, HIGHEST = 10_000, 32_000

_chosen = random.SystemRandom()
_handed_out: set[int] = set()


def free_port(*, also_offset: int = 0, highest: int = HIGHEST) -> int:
    """A port nobody listens on and this process did not hand out before.

    Args:
        also_offset: the port this much higher must be free too.
        highest: upper end of the range.
    """
    while True:
        port = _chosen.randrange(LOWEST, highest)
        wanted = {port, port + also_offset}
        if wanted.isdisjoint(_handed_out) and all(is_free(number) for number in wanted):
            _handed_out.update(wanted)
            return port


def free_cluster_port() -> int:
    """A port for a Redis Cluster node, whose bus port is free as well."""
    return free_port(also_offset=CLUSTER_BUS_OFFSET, highest=HIGHEST - CLUSTER_BUS_OFFSET)
