"""Counts `steps` up in Redis. Run as `python -m … KIND PORT PROTOCOL`."""

import sys

import redis

from tests.integration.relays.victims import STEPS

PIPELINES = 3


def single(client: "redis.Redis") -> None:
    """Twelve INCRBYs, one by one."""
    for _ in range(STEPS):
        client.incr("steps")


def pipelined(client: "redis.Redis") -> None:
    """Three pipelines of four commands, three of which count."""
    for _ in range(PIPELINES):
        with client.pipeline(transaction=False) as pipe:
            pipe.incr("steps")
            pipe.incr("steps")
            pipe.lrange("none", 0, -1)
            pipe.incr("steps")
            pipe.execute()


if __name__ == "__main__":
    kinds = {"single": single, "pipelined": pipelined}
    kinds[sys.argv[1]](redis.Redis(port=int(sys.argv[2]), protocol=int(sys.argv[3])))
