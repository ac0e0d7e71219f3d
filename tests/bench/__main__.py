"""`python -m tests.bench [NAME …]`: all benchmarks, or those named."""

import os
import sys
from collections.abc import Callable

import psutil

from tests.bench import messages, pending, place_call, takeover

BENCHMARKS: dict[str, Callable[[], None]] = {
    "messages": messages.run,
    "place_call": place_call.run,
    "takeover": takeover.run,
    "pending": pending.run,
}


def main(names: list[str]) -> int:
    """Runs the named benchmarks; 2 if there is none of that name."""
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        print(f"no benchmark {', '.join(unknown)}; there are {', '.join(BENCHMARKS)}", file=sys.stderr)
        return 2
    load = os.getloadavg()[0]
    print(f"{psutil.cpu_count()} cores, load {load:.1f} before the start; figures are median (min … max, runs)")
    for name in names or BENCHMARKS:
        BENCHMARKS[name]()
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
