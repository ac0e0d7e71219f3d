"""Child processes that never outlive their parent: own process group, output to a file, last words kept."""

import ctypes
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path

PR_SET_PDEATHSIG = 1
LAST_WORDS_LINES = 12
LAST_WORDS_BYTES = 16_384
LONGEST_LINE = 200
LONGEST_LOG_BYTES = 20_000_000
POLL_SECONDS = 0.02


@dataclass(frozen=True)
class Program:
    """What to start: command, environment on top of ours, and the file that takes its output."""

    name: str
    command: Sequence[str]
    log_path: Path
    environment: Mapping[str, str] = field(default_factory=dict)
    directory: Path | None = None


class ChildProcess:
    """A started program together with everything it started itself (its process group)."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process
        self.pid = process.pid

    def poll(self) -> int | None:
        """Exit code, negative for a signal; None while it runs."""
        return self._process.poll()

    def signal(self, number: signal.Signals) -> None:
        """Signal it and what it started; nothing happens when all of them have ended."""
        try:
            os.killpg(self.pid, number)
        except ProcessLookupError:
            return

    def stop(self, *, grace: timedelta) -> int:
        """Ask it to end, wait up to `grace`, then kill it; returns the exit code."""
        self.signal(signal.SIGTERM)
        try:
            return self._process.wait(grace.total_seconds())
        except subprocess.TimeoutExpired:
            return self.kill()

    def kill(self) -> int:
        """SIGKILL it and wait for its end; returns the exit code."""
        self.signal(signal.SIGKILL)
        return self._process.wait()

    def wait(self) -> int:
        """Wait for its end; returns the exit code."""
        return self._process.wait()

    def wait_until(self, probe: Callable[[], bool], *, timeout: timedelta) -> bool:
        """Poll `probe` until it holds (True), or the process ends or the time is over (False)."""
        deadline = time.monotonic() + timeout.total_seconds()
        while time.monotonic() < deadline and self.poll() is None:
            if probe():
                return True
            time.sleep(POLL_SECONDS)
        return False


def spawn(program: Program) -> ChildProcess:
    """Start the program in a process group of its own; on Linux it dies with the thread that called this.

    Output is appended to `program.log_path`: a file, unlike a pipe, never blocks the program when nobody reads.

    Raises:
        OSError: the command could not be executed.
    """
    program.log_path.parent.mkdir(parents=True, exist_ok=True)
    _keep_small(program.log_path)
    with program.log_path.open("ab") as log:
        process = subprocess.Popen(
            list(program.command),
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            env={**os.environ, **program.environment},
            cwd=program.directory,
            start_new_session=True,
            preexec_fn=_dies_with_parent(),  # noqa: PLW1509 - only a prepared libc call between fork and exec
        )
    return ChildProcess(process)


def _keep_small(log_path: Path) -> None:
    """Put a long log of earlier runs aside; the one before that is dropped."""
    if log_path.exists() and log_path.stat().st_size > LONGEST_LOG_BYTES:
        log_path.replace(log_path.with_suffix(".old.log"))


def _dies_with_parent() -> Callable[[], None] | None:
    """A hook for the child that asks the kernel to kill it when its parent ends, also by SIGKILL (prctl(2))."""
    if not sys.platform.startswith("linux"):
        return None
    prctl = ctypes.CDLL(None, use_errno=True).prctl
    parent = os.getpid()

    def ask() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # the parent died between fork and prctl: nobody would tell us
            os.kill(os.getpid(), signal.SIGKILL)

    return ask


def last_words(log_path: Path, *, lines: int = LAST_WORDS_LINES) -> str:
    """The last lines of what a program said, long ones cut, or `` when it said nothing."""
    try:
        with log_path.open("rb") as log:
            log.seek(0, os.SEEK_END)
            log.seek(max(log.tell() - LAST_WORDS_BYTES, 0))
            tail = log.read()
    except FileNotFoundError:
        return ""
    return "\n".join(line[:LONGEST_LINE] for line in tail.decode(errors="replace").splitlines()[-lines:])
