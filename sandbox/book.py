"""The append-only book: every line is one thing that the carrier was asked to do, did or heard."""

import asyncio
import io
import os
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

import orjson

RECENT_ENTRIES: Final = 3000  # what the page of phones shows at once; older entries stay in the file
ASKED: Final = frozenset({"message", "call", "leg", "inbound", "message_changed"})
FLUSH_SECONDS: Final = 0.02
Listener = Callable[[bytes], None]


class Book:
    """Writes entries as JSON lines and reads them back.

    Each line is `{"seq": n, "kind": ..., "at": ..., ...}`. What the carrier was asked for (`ASKED`) is handed to the
    operating system before `write` returns, so it survives a SIGKILL; what follows from it is handed over a moment
    later, and is lived again when it was lost. Nothing is synced to disk, so a power cut may take the last lines.

    Args:
        path: the file; folders and file are made when they are absent.
    """

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.counts: Counter[str] = Counter()
        self.recent: deque[bytes] = deque(maxlen=RECENT_ENTRIES)
        self.last_seq = 0
        self._listeners: set[Listener] = set()
        self._file: io.BufferedWriter | None = None
        self._flushing: asyncio.TimerHandle | None = None

    def open(self) -> Iterator[dict[str, object]]:
        """Yields the entries that are already there, in order, then opens the book for writing.

        A last line without its end (the sandbox was killed while writing it) is cut off.
        """
        whole = 0
        if self.path.exists():
            with self.path.open("rb") as lines:
                for line in lines:
                    if not line.endswith(b"\n"):
                        break
                    whole += len(line)
                    yield self._remember(line)
            os.truncate(self.path, whole)
        self._file = self.path.open("ab")

    def _remember(self, line: bytes) -> dict[str, object]:
        entry: dict[str, object] = orjson.loads(line)
        self.last_seq = int(str(entry["seq"]))
        self.counts[str(entry["kind"])] += 1
        self.recent.append(line)
        return entry

    def write(self, kind: str, /, **fields: object) -> datetime:
        """Adds one entry and gives the moment it bears.

        Raises:
            OSError: the disk is full or gone; the caller must not claim that the entry was accepted.
        """
        assert self._file is not None, "the book is not open"
        at = datetime.now(UTC)
        seq = self.last_seq + 1
        line = orjson.dumps({"seq": seq, "kind": kind, "at": at, **fields}, option=orjson.OPT_APPEND_NEWLINE)
        self._file.write(line)
        self._flush_soon(now=kind in ASKED)
        self.last_seq = seq
        self.counts[kind] += 1
        self.recent.append(line)
        for listener in self._listeners:
            listener(line)
        return at

    def _flush_soon(self, *, now: bool) -> None:
        """A system call for each line would cost more than all the rest of writing it."""
        if now:
            self._flush()
        elif self._flushing is None:
            self._flushing = asyncio.get_running_loop().call_later(FLUSH_SECONDS, self._flush)

    def _flush(self) -> None:
        if self._flushing is not None:
            self._flushing.cancel()
            self._flushing = None
        if self._file is not None:
            self._file.flush()

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Calls `listener` with each new line from now on; gives the function that ends it."""
        self._listeners.add(listener)
        return lambda: self._listeners.discard(listener)

    def close(self) -> None:
        """Closes the file; nothing can be written afterwards."""
        self._flush()
        if self._file is not None:
            self._file.close()
            self._file = None

    async def search(self, *, kinds: Iterable[str], to: str | None, since: int, limit: int) -> bytes:
        """The entries after `since` that fit, as the JSON of `{"entries": [...], "last_seq": n}`.

        Args:
            kinds: wanted kinds; none means all.
            to: a customer's phone number (of texts that they wrote, too), or None for all.
            since: sequence number; only later entries are given.
            limit: at most so many, the oldest first.
        """
        self._flush()
        last_seq = self.last_seq
        wanted = tuple(f'"kind":"{kind}"'.encode() for kind in kinds)
        number = tuple(f'"{side}":"{to}"'.encode() for side in ("to", "from")) if to else ()
        return await asyncio.to_thread(self._scan, wanted, number, since, last_seq, limit)

    def _scan(
        self, wanted: tuple[bytes, ...], number: tuple[bytes, ...], since: int, last_seq: int, limit: int
    ) -> bytes:
        # Lines are compared as bytes: inside a JSON string every quote is escaped, so a text cannot look like a field.
        found: list[bytes] = []
        with self.path.open("rb") as lines:
            for line in lines:
                if len(found) == limit or not line.endswith(b"\n"):
                    break
                if _has_any(line, number) and _has_any(line, wanted):
                    seq = _seq_of(line)
                    if since < seq <= last_seq:
                        found.append(line[:-1])
        if len(found) == limit:
            last_seq = _seq_of(found[-1])
        return b'{"last_seq":%d,"entries":[%s]}' % (last_seq, b",".join(found))


def _seq_of(line: bytes) -> int:
    return int(line[len(b'{"seq":') : line.index(b",")])


def _has_any(line: bytes, parts: tuple[bytes, ...]) -> bool:
    return not parts or any(part in line for part in parts)
