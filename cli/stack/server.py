"""What every embedded server has in common: start, stop, kill and restart on given ports with kept data."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from cli.stack.errors import StackError
from cli.stack.processes import ChildProcess, Program, last_words, spawn

START_TIMEOUT = timedelta(seconds=60)
STOP_GRACE = timedelta(seconds=10)


class EmbeddedServer(ABC):
    """A server as a child process; what it stored survives `kill` and `stop`.

    Args:
        name: shown to people.
        log_path: takes its output.
    """

    def __init__(self, *, name: str, log_path: Path) -> None:
        self.name = name
        self.log_path = log_path
        self._process: ChildProcess | None = None

    @abstractmethod
    def prepare(self) -> None:
        """Make directories and configuration; raises StackError when a port is taken or data are unusable."""

    @abstractmethod
    def program(self) -> Program:
        """How the server is started once `prepare` was called."""

    @abstractmethod
    def is_ready(self) -> bool:
        """Whether it serves requests now; never waits longer than about a second."""

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._process.pid if self._process else None

    def start(self, *, timeout: timedelta = START_TIMEOUT) -> None:
        """Start and wait until it serves requests.

        Raises:
            StackError: a port is taken or the server did not come up; holds its last words.
        """
        self.prepare()
        self._process = spawn(self.program())
        if not self.wait_until(self.is_ready, timeout=timeout):
            self.kill()
            raise StackError(
                f"{self.name} did not start.", remedy=f"see {self.log_path}.", details=last_words(self.log_path)
            )

    def stop(self, *, grace: timedelta = STOP_GRACE) -> None:
        """Stop cleanly, or by force after `grace`; does nothing when it does not run."""
        if self._process:
            self._process.stop(grace=grace)
            self._process = None

    def kill(self) -> None:
        """SIGKILL; what was written stays."""
        if self._process:
            self._process.kill()
            self._process = None

    def restart(self) -> None:
        """Stop when running, and start on the same ports with the same data."""
        self.stop()
        self.start()

    def unready(self) -> str:
        """Why it does not serve, or `` when it does: `is_ready` for people."""
        return "" if self.is_ready() else "does not answer yet"

    def wait_until(self, probe: Callable[[], bool], *, timeout: timedelta) -> bool:
        """Poll `probe` until it holds (True), or the server ends or the time is over (False)."""
        return self._process is not None and self._process.wait_until(probe, timeout=timeout)
