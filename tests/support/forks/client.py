"""The test's side of the nursery: start a process, end it, wait for its end."""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from tests.support.forks.wire import Job, News

# bounds for a machine that does ten other things
IMPORT_SECONDS = 180
FORK_SECONDS = 60
END_SECONDS = 10


class ForkedProcess:
    """A running or ended process; safe to use from any thread."""

    def __init__(self, pid: int) -> None:
        self.pid = pid
        self._code: int | None = None
        self._ended = threading.Event()

    def poll(self) -> int | None:
        """The exit code (negative: signal), or None while it runs."""
        return self._code

    def wait(self, timeout: float = END_SECONDS) -> int:
        """Wait for its end and return the exit code. Raises `TimeoutError` after `timeout` seconds."""
        if not self._ended.wait(timeout) or self._code is None:
            raise TimeoutError(f"process {self.pid} still runs after {timeout} s")
        return self._code

    def kill(self) -> None:
        """SIGKILL; returns when the process has ended and is reaped, also if it had ended before."""
        self._signal(signal.SIGKILL)
        self.wait()

    def terminate(self) -> None:
        """SIGTERM, without waiting."""
        self._signal(signal.SIGTERM)

    def ended(self, code: int) -> None:
        """For the nursery's client: the process was reaped."""
        self._code = code
        self._ended.set()

    def _signal(self, number: signal.Signals) -> None:
        # the pid may be another's as soon as the nursery has reaped ours; it tells us at once
        if self._code is None:
            os.kill(self.pid, number)


class Forks:
    """Starts processes from a nursery that has imported `preload`; as a context manager it ends them all.

    Args:
        preload: modules to import once, so that no child has to.
        log_directory: takes one log a name.
    """

    def __init__(self, preload: Sequence[str], log_directory: Path) -> None:
        self._log_directory = log_directory
        self._preload = preload
        self._lock = threading.Lock()
        self._forked: list[ForkedProcess] = []
        self._born = threading.Condition()
        self._living: dict[int, ForkedProcess] = {}

    def __enter__(self) -> Self:
        self._socket, theirs = socket.socketpair()
        with theirs:
            command = [sys.executable, "-m", "tests.support.forks.nursery", str(theirs.fileno()), *self._preload]
            self._nursery = subprocess.Popen(command, pass_fds=[theirs.fileno()])
        self._news: BinaryIO = self._socket.makefile("rb")
        self._socket.settimeout(IMPORT_SECONDS)
        if not self._news.readline():
            raise RuntimeError(f"the nursery could not import {', '.join(self._preload)}")
        self._socket.settimeout(None)
        self._listener = threading.Thread(target=self._listen, name="nursery news", daemon=True)
        self._listener.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.shutdown(socket.SHUT_WR)
        self._nursery.wait(END_SECONDS)
        self._listener.join(END_SECONDS)
        self._news.close()
        self._socket.close()

    def start(
        self, module: str, *arguments: str, name: str, environment: Mapping[str, str] | None = None
    ) -> ForkedProcess:
        """`python -m module arguments…` in the test's environment and `environment`; output goes to `name`.log."""
        job: Job = {
            "module": module,
            "arguments": list(arguments),
            "environment": {**os.environ, **(environment or {})},
            "log": str(self.log_path(name)),
        }
        with self._lock:
            self._socket.sendall(json.dumps(job).encode() + b"\n")
            with self._born:
                if not self._born.wait_for(lambda: self._forked, FORK_SECONDS):
                    raise TimeoutError("the nursery forks nothing")
                return self._forked.pop()

    def log_path(self, name: str) -> Path:
        """Where the processes started under this name write."""
        return self._log_directory / f"{name}.log"

    def _listen(self) -> None:
        for line in self._news:
            news: News = json.loads(line)
            if news["code"] is not None:
                self._living.pop(news["pid"]).ended(news["code"])
                continue
            process = self._living[news["pid"]] = ForkedProcess(news["pid"])
            with self._born:
                self._forked.append(process)
                self._born.notify()
