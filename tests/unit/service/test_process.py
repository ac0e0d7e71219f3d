"""A process ends with its status, soon, and says so when a library would not let go."""

import subprocess
import sys
import time

import pytest

START = "import asyncio, threading, time\nfrom common.service.process import run\n"

HEEDING = """
async def main():
    asyncio.create_task(asyncio.sleep(60))
    return 3
run(main())
"""

DEAF = """
async def deaf():
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            pass
async def main():
    task = asyncio.create_task(deaf())
    await asyncio.sleep(0)
    return 3
run(main())
"""

BUSY = """
async def main():
    threading.Thread(target=time.sleep, args=(60,)).start()
    return 3
run(main())
"""

BROKEN = """
async def main():
    raise OSError("no port")
run(main())
"""


def ended(program: str) -> tuple[int, str]:
    command = [sys.executable, "-c", START + program]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def test_what_heeds_its_cancellation_ends_without_a_word() -> None:
    assert ended(HEEDING) == (3, "")


@pytest.mark.parametrize("program", [DEAF, BUSY])
def test_what_does_not_is_left_behind(program: str) -> None:
    began = time.monotonic()
    code, said = ended(program)
    assert code == 3
    assert "libraries_abandoned" in said
    assert time.monotonic() - began < 30


def test_a_failed_start_is_told() -> None:
    code, said = ended(BROKEN)
    assert code == 1
    assert "no port" in said
