"""Replicas of services: started from one nursery, started again when they have died, and read in their logs."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from urllib.error import URLError
from urllib.request import urlopen

from cli.stack.ports import LOOPBACK
from common.observability.health import READY_PATH
from tests.support.forks.client import ForkedProcess, Forks

ANSWER_SECONDS = 5
STOP_SECONDS = 20
SHOWN_CHARACTERS = 2_000


@dataclass(frozen=True)
class Replica:
    """How one replica is started: `python -m module` with this environment, and where it answers probes."""

    name: str
    module: str
    environment: Mapping[str, str]
    http_port: int


class Fleet:
    """Replicas by name."""

    def __init__(self, forks: Forks) -> None:
        self._forks = forks
        self._replicas: dict[str, Replica] = {}
        self._processes: dict[str, ForkedProcess] = {}
        self._marks: dict[str, int] = {}

    def start(self, replica: Replica) -> None:
        """Starts one."""
        self._replicas[replica.name] = replica
        self._start(replica)

    def revive(self) -> None:
        """Starts those again that have ended."""
        for name, process in tuple(self._processes.items()):
            if process.poll() is not None:
                self._start(self._replicas[name])

    def kill(self, name: str) -> None:
        """SIGKILL; returns when it is gone."""
        self._processes[name].kill()

    def stop_all(self) -> None:
        """Ends all in order, so that they leave their groups, or by force; forgets them."""
        for process in self._processes.values():
            process.terminate()
        for process in self._processes.values():
            try:
                process.wait(STOP_SECONDS)
            except TimeoutError:
                process.kill()
        self._processes.clear()
        self._replicas.clear()

    def kill_all(self) -> None:
        """Ends and forgets all at once."""
        for process in self._processes.values():
            process.kill()
        self._processes.clear()
        self._replicas.clear()

    def all_ready(self) -> bool:
        """Whether every replica says that it serves."""
        return all(_ready(replica.http_port) for replica in self._replicas.values())

    def mark_logs(self) -> None:
        """Forgets what was logged so far."""
        for name in self._replicas:
            path = self._forks.log_path(name)
            self._marks[name] = path.stat().st_size if path.exists() else 0

    def logs(self) -> Iterator[tuple[str, list[str]]]:
        """What each replica has logged since `mark_logs`."""
        for name in self._replicas:
            with self._forks.log_path(name).open("rb") as log:
                log.seek(self._marks.get(name, 0))
                yield name, log.read().decode(errors="replace").splitlines()

    def bugs(self) -> Iterator[str]:
        """What replicas themselves called a bug, or died of, since `mark_logs`."""
        for name, lines in self.logs():
            for line in lines:
                if '"event":"bug"' in line or line.startswith("Traceback"):
                    yield f"{name} logged a bug: {line[:SHOWN_CHARACTERS]}"

    def _start(self, replica: Replica) -> None:
        self._processes[replica.name] = self._forks.start(
            replica.module, name=replica.name, environment=replica.environment
        )


def _ready(port: int) -> bool:
    try:
        with urlopen(f"http://{LOOPBACK}:{port}{READY_PATH}", timeout=ANSWER_SECONDS) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False
