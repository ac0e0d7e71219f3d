"""A carrier sandbox in a process of its own, for tests that need a carrier."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any
from urllib.parse import urlencode
from urllib.request import Request, urlopen

from tests.support.ports import free_port

ACCOUNT_SID = "AC" + "5" * 32
AUTH_TOKEN = "token-of-a-test-account"
REPOSITORY = Path(__file__).resolve().parents[2]
ANSWER_SECONDS = 10.0
STOP_SECONDS = 5.0
FAST = 200.0

Entry = dict[str, object]


class Sandbox:
    """Starts, stops, kills and asks one sandbox; its port and book stay the same over restarts.

    Args:
        directory: where the book lies.
        speed: how many times faster than life simulated customers are.
        settings: further `SANDBOX_*` variables, by their names without the prefix.
    """

    def __init__(self, directory: Path, *, speed: float = FAST, settings: dict[str, str] | None = None) -> None:
        self.book_path = directory / "sandbox-book.jsonl"
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.account_sid = ACCOUNT_SID
        self.auth_token = AUTH_TOKEN
        self._settings = {"SPEED": str(speed)} | (settings or {})
        self._process: subprocess.Popen[bytes] | None = None
        self._said = directory / "sandbox.log"

    @property
    def pid(self) -> int:
        """The running process."""
        assert self._process is not None
        return self._process.pid

    def start(self) -> "Sandbox":
        """Starts it and returns as soon as it answers.

        Raises:
            RuntimeError: it ended instead; the text is what it said.
        """
        own = {
            "PORT": str(self.port),
            "BOOK": str(self.book_path),
            "ACCOUNT_SID": self.account_sid,
            "AUTH_TOKEN": self.auth_token,
        }
        variables = {f"SANDBOX_{name}": value for name, value in (own | self._settings).items()}
        inherited = {name: value for name, value in os.environ.items() if not name.startswith("SANDBOX_")}
        with self._said.open("wb") as said:  # a file: a pipe that nobody empties would stop the sandbox when full
            self._process = subprocess.Popen(
                [sys.executable, "-m", "sandbox"],
                cwd=REPOSITORY,
                env=inherited | variables,
                stdout=subprocess.PIPE,
                stderr=said,
            )
        assert self._process.stdout is not None
        if not self._process.stdout.readline():  # one line is printed when requests are answered
            self._process.communicate(timeout=STOP_SECONDS)
            self._process = None
            raise RuntimeError(self._said.read_text())
        return self

    def stop(self) -> None:
        """Ends it in order; nothing happens when it is not running."""
        self._end(signal.SIGTERM)

    def kill(self) -> None:
        """Ends it at once, as a crash would."""
        self._end(signal.SIGKILL)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        try:
            self._process.communicate(timeout=STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
        self._process = None

    def __enter__(self) -> "Sandbox":
        return self.start()

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    def book(self, *kinds: str, to: str | None = None, since: int = 0) -> list[Entry]:
        """Entries of the book in order; all kinds when none is named."""
        query = {"kind": ",".join(kinds), "since": str(since)} | ({"to": to} if to else {})
        entries: list[Entry] = self._ask(f"/_sandbox/book?{urlencode(query)}")["entries"]
        return entries

    def stats(self) -> dict[str, dict[str, int]]:
        """The sandbox's own figures."""
        figures: dict[str, dict[str, int]] = self._ask("/_sandbox/stats")
        return figures

    def last_seq(self) -> int:
        """Number of the book's newest entry."""
        return int(self._ask("/_sandbox/stats")["last_seq"])

    def idle(self) -> bool:
        """True when every message and call has come to its end and every status callback was posted or given up."""
        return not any(self.stats()["under_way"].values())

    def misbehave(self, **modes: float) -> None:
        """Switches modes, e.g. `lying=0.5, seed=7`; those not named stay as they are."""
        self._ask("/_sandbox/modes", modes)

    def act(self, phone_number: str, action: str, **what: str) -> None:
        """Does what a person can do at the page of phones: `reply`, `answer`, `decline`, `hang-up`, `keys`."""
        self._ask(f"/_sandbox/phones/{phone_number}/{action}", dict(what))

    def _ask(self, path: str, body: object = None) -> Any:
        data = None if body is None else json.dumps(body).encode()
        request = Request(self.url + path, data=data, headers={"Content-Type": "application/json"})
        with urlopen(request, timeout=ANSWER_SECONDS) as answer:
            return json.load(answer)


@contextmanager
def running_sandbox(directory: Path, *, speed: float = FAST, **settings: str) -> Iterator[Sandbox]:
    """A sandbox for the length of a block; keywords are `SANDBOX_*` variables in lower case."""
    upper = {name.upper(): value for name, value in settings.items()}
    with Sandbox(directory, speed=speed, settings=upper) as sandbox:
        yield sandbox
