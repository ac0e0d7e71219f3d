"""Twelve unary calls on one channel. Run as `python -m … call PORT`."""

import sys

import grpc

from tests.integration.relays.victims import STEPS

METHOD = "/steps.v1.Steps/Step"

if __name__ == "__main__":
    with grpc.insecure_channel(f"127.0.0.1:{sys.argv[2]}") as channel:
        step: "grpc.UnaryUnaryMultiCallable[bytes, bytes]" = channel.unary_unary(METHOD)
        for number in range(STEPS):
            step(b"%d" % number, timeout=10)
