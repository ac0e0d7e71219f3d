"""Runs seeded schedules of faults: `python -m tests.simulation --schedules N --seed S`, or replays one."""

import argparse
import sys
import time
from collections.abc import Sequence

from tests.simulation.planted import PLANTED
from tests.simulation.plants import Plant
from tests.simulation.schedules import Schedule, draw
from tests.simulation.search import Failure, failures
from tests.simulation.trial import broken, shrink, story

MAX_SHOWN = 5
PLANTS: dict[str, type[Plant]] = {plant.__name__: plant for plant in PLANTED}


def main(arguments: Sequence[str]) -> int:
    """Returns the exit status: 0 when everything held."""
    options = _options(arguments)
    plant = PLANTS[options.plant]() if options.plant else Plant()
    if options.replay is not None:
        return _replay(draw(options.replay).without(*options.without), plant)
    return _search(range(options.seed, options.seed + options.schedules))


def _options(arguments: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.simulation", description=__doc__)
    parser.add_argument("--schedules", type=int, default=10_000, metavar="N", help="how many schedules to run")
    parser.add_argument("--seed", type=int, default=0, metavar="S", help="seed of the first; the others count on")
    parser.add_argument("--replay", type=int, metavar="SEED", help="run one schedule and tell its story")
    parser.add_argument(
        "--without", type=int, nargs="*", default=[], metavar="PART", help="leave parts of the replayed schedule out"
    )
    parser.add_argument("--plant", choices=sorted(PLANTS), help="replay with this planted bug")
    return parser.parse_args(arguments)


def _search(seeds: range) -> int:
    began, shown = time.monotonic(), 0
    tell = sys.stderr.isatty()

    def progress(run: int) -> None:
        if tell:
            rate = run / (time.monotonic() - began)
            print(f"\r{run:,} of {len(seeds):,} schedules, {rate:,.0f}/s", end="", file=sys.stderr, flush=True)

    for failure in failures(seeds, progress):
        shown += 1
        _show(failure)
        if shown == MAX_SHOWN:
            break
    seconds = time.monotonic() - began
    if shown == 0:
        print(f"\n{len(seeds):,} schedules from seed {seeds.start} in {seconds:.1f} s: everything held")
    return min(shown, 1)


def _show(failure: Failure) -> None:
    whole = draw(failure.seed)
    small = shrink(whole)
    gone = [str(number) for number, part in enumerate(whole.parts) if part not in small.parts]
    without = f" --without {' '.join(gone)}" if gone else ""
    print(f"\nseed {failure.seed} breaks something: {'; '.join(failure.wrong)}")
    print(f"it takes only {len(small.parts)} of {len(whole.parts)} parts:", *small.parts, sep="\n  ")
    print(f"python -m tests.simulation --replay {failure.seed}{without}")


def _replay(schedule: Schedule, plant: Plant) -> int:
    print(f"seed {schedule.seed}, rule pack {schedule.overlay or 'as shipped'}, {', '.join(schedule.services)}:")
    for number, part in enumerate(schedule.parts):
        print(f"  {number}: {part}")
    for line in story(schedule, plant):
        print(line)
    wrong = broken(schedule, plant)
    print(*(wrong or ["everything held"]), sep="\n")
    return min(len(wrong), 1)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
