"""Benchmarks on the real parts: `make bench`. They print what they measured and how; they are no timed tests."""
