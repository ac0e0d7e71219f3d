"""The folder of one local stack: its data, logs and development secrets, used by one run at a time."""

import fcntl
import json
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from cli.stack.errors import StackError

SECRET_BYTES = 32
ONLY_THE_OWNER = 0o600


class RunFolder:
    """`.run/<port base>`; kept between runs, removed by `make clean`."""

    def __init__(self, root: Path, port_base: int) -> None:
        self.path = root / str(port_base)
        self.logs = self.path / "logs"
        self._lock_path = self.path / "lock"
        self._secrets_path = self.path / "secrets.json"

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the folder for this run; the kernel lets go of it when the process ends, however it ends.

        Raises:
            StackError: another run holds it.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with self._lock_path.open("a+") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                lock.seek(0)
                raise StackError(
                    f"nineconnect already runs here (process {lock.read().strip() or 'unknown'}).",
                    remedy="stop it with Ctrl-C, or start a second one on other ports: PORT_BASE=29000 make run",
                ) from error
            lock.truncate(0)
            lock.write(f"{os.getpid()}\n")
            lock.flush()
            yield

    def secrets(self, names: Iterable[str]) -> dict[str, str]:
        """Development secrets by name: made the first time, the same ever after, readable by the owner only."""
        known: dict[str, str] = {}
        if self._secrets_path.exists():
            known = json.loads(self._secrets_path.read_text())
        wanted = {name: known.get(name) or secrets.token_urlsafe(SECRET_BYTES) for name in names}
        if wanted.items() - known.items():
            self._write(known | wanted)
        return wanted

    def _write(self, content: dict[str, str]) -> None:
        temporary = self._secrets_path.with_suffix(".new")
        temporary.unlink(missing_ok=True)
        with os.fdopen(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, ONLY_THE_OWNER), "w") as file:
            json.dump(content, file, indent=2)
        temporary.replace(self._secrets_path)
