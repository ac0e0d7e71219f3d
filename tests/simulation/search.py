"""Runs many schedules, on one core or more, until one breaks something."""

import multiprocessing
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from tests.simulation.plants import Plant
from tests.simulation.schedules import draw
from tests.simulation.trial import broken

CHUNK = 50


@dataclass(frozen=True)
class Failure:
    """A schedule that breaks something, and what."""

    seed: int
    wrong: list[str]


def first_failure(seeds: range, plant: Callable[[], Plant] = Plant) -> Failure | None:
    """The first of these schedules that breaks something, in this process."""
    for seed in seeds:
        wrong = broken(draw(seed), plant())
        if wrong:
            return Failure(seed, wrong)
    return None


def failures(seeds: range, progress: Callable[[int], None] = lambda _: None) -> Iterator[Failure]:
    """Every schedule that breaks something, in the order of seeds, found on all cores.

    Args:
        progress: told how many schedules have been run so far.
    """
    chunks = [range(start, min(start + CHUNK, seeds.stop)) for start in range(seeds.start, seeds.stop, CHUNK)]
    workers = min(os.cpu_count() or 1, len(chunks))
    run = 0
    with multiprocessing.get_context("fork").Pool(workers) as pool:
        for chunk, found in zip(chunks, pool.imap(_all_failures, chunks), strict=True):
            run += len(chunk)
            progress(run)
            yield from found


def _all_failures(seeds: range) -> list[Failure]:
    return list(islice(_each_failure(seeds), CHUNK))


def _each_failure(seeds: range) -> Iterator[Failure]:
    for seed in seeds:
        wrong = broken(draw(seed))
        if wrong:
            yield Failure(seed, wrong)
