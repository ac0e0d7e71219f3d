"""Several cells at work at once, each in a thread of its own: one crash is mostly waiting, so the waits overlap."""

from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.chaos.cell import Cell
from tests.chaos.points import Points
from tests.chaos.story import Story
from tests.chaos.trial import Trial
from tests.support.forks.client import Forks
from tests.support.relays.tap import Moment


class Crew:
    """Cells that take points from one list; use `crew`."""

    def __init__(self, cells: Sequence[Cell], threads: Sequence[ThreadPoolExecutor]) -> None:
        self._cells = cells
        self._threads = threads

    def try_every_point(self, service: str) -> list[Trial]:
        """Kills the service at each of its requests, before and after it, one run for each."""
        points = Points(service)

        def work(cell: Cell) -> None:
            cell.put_under_test(service)
            points.learn(cell.run())
            while (point := points.take()) is not None:
                points.done(cell.run(point))

        jobs = [thread.submit(work, cell) for thread, cell in zip(self._threads, self._cells, strict=True)]
        for job in jobs:
            job.result()
        return points.trials

    def dead_letters(self) -> int:
        """How many there are in all cells."""
        jobs = [thread.submit(cell.dead_letters) for thread, cell in zip(self._threads, self._cells, strict=True)]
        return sum(job.result() for job in jobs)


@contextmanager
def crew(number: int, directory: Path, policies: Path, forks: Forks, story: Story) -> Iterator[Crew]:
    """`number` cells, started at once; stopped when the block ends."""
    with ExitStack() as stack:
        threads = [stack.enter_context(ThreadPoolExecutor(max_workers=1)) for _ in range(number)]
        cells = [
            Cell(f"cell{place}", directory / f"cell{place}", policies, forks, story) for place in range(1, number + 1)
        ]
        # the servers must be started and stopped by a thread that lives as long as they do
        started = [thread.submit(cell.__enter__) for thread, cell in zip(threads, cells, strict=True)]
        for thread, cell in zip(threads, cells, strict=True):
            stack.callback(_leave, thread, cell)
        for start in started:
            start.result()
        yield Crew(cells, threads)


def _leave(thread: ThreadPoolExecutor, cell: Cell) -> None:
    thread.submit(cell.__exit__, None, None, None).result()


def tally(trials: Sequence[Trial]) -> str:
    """How many points of each kind were tried, for people."""
    tried: dict[Moment, Counter[str]] = {moment: Counter() for moment in Moment}
    for trial in trials:
        if trial.struck and trial.point:
            tried[trial.point.moment][trial.point.kind] += 1
    kinds = sorted(set().union(*tried.values()))
    width = max(map(len, kinds), default=0)
    lines = [f"  {kind:<{width}}  {tried[Moment.BEFORE][kind]:4} {tried[Moment.AFTER][kind]:4}" for kind in kinds]
    whole = sum(map(Counter.total, tried.values()))
    seconds = sum(trial.seconds for trial in trials) / max(len(trials), 1)
    return "\n".join([f"{whole} crash points tried, {seconds:.1f} s each; before and after:", *lines])
