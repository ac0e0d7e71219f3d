"""Document versions: ever greater, and never the same number for two different states."""

from collections.abc import Callable

RANDOM_BITS = 16
"""A counter alone would repeat after a failover lost writes; 53 bits in all stay exact in Redis' doubles."""


def next_version(version: int, random_bits: Callable[[int], int]) -> int:
    """The counter in the upper bits goes up by one; the lower bits are random."""
    return ((version >> RANDOM_BITS) + 1 << RANDOM_BITS) | random_bits(RANDOM_BITS)
