"""Runs a service as a process and ends it in time, whatever its libraries still hold on to."""

import asyncio
import os
import sys
import threading
from collections.abc import Coroutine
from typing import NoReturn

import uvloop

from common.observability.logging import get_logger

LAST_SECONDS = 0.5
"""For tasks to heed their cancellation, and again for threads to end."""

_log = get_logger("process")


def run(main: Coroutine[object, object, int]) -> NoReturn:
    """Runs `main` on uvloop and exits with the status it returns.

    With Kafka away some of aiokafka's tasks do not heed their cancellation and a call of kafka-python's may last for
    a minute; asyncio and the interpreter would wait for both. Everything of ours has ended when `main` has.
    """
    loop = uvloop.new_event_loop()
    asyncio.set_event_loop(loop)
    status = loop.run_until_complete(main)
    abandoned = loop.run_until_complete(_deaf_tasks()) + _busy_threads()
    if not abandoned:
        loop.close()
        sys.exit(status)
    _log.warning("libraries_abandoned", count=abandoned)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(status)


async def _deaf_tasks() -> int:
    """Cancels what still runs; returns how many tasks run on all the same."""
    tasks = asyncio.all_tasks() - {asyncio.current_task()}
    for task in tasks:
        task.cancel()
    if not tasks:
        return 0
    _, deaf = await asyncio.wait(tasks, timeout=LAST_SECONDS)
    return len(deaf)


def _busy_threads() -> int:
    """How many threads would keep the interpreter from ending."""
    threads = [thread for thread in threading.enumerate() if thread is not threading.current_thread()]
    lasting = [thread for thread in threads if not thread.daemon]
    for thread in lasting:
        thread.join(LAST_SECONDS / len(lasting))
    return sum(thread.is_alive() for thread in lasting)
