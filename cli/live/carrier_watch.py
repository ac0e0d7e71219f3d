"""Counts what the carrier sandbox's book says it was asked to do, from now on."""

import json
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class CarrierFigures:
    """What the carrier was asked to do, and how much of it more than once."""

    messages: int = 0
    messages_doubled: int = 0
    calls: int = 0
    calls_doubled: int = 0


class CarrierWatch:
    """The figures of this run, and when its first message stood in the book.

    An attempt names itself in its webhook's address, so the same address twice means that it was made twice.

    Args:
        book: the sandbox's append-only file of JSON lines.
    """

    def __init__(self, book: Path) -> None:
        self.first_message_at: float | None = None
        self._book = book
        self._read_up_to = book.stat().st_size if book.exists() else 0
        self._messages: Counter[str] = Counter()
        self._calls: Counter[str] = Counter()

    def figures(self) -> CarrierFigures:
        """The counts up to now; reads only what is new."""
        for entry in self._new_entries():
            match entry:
                case {"kind": "message", "status_callback": str(address)}:
                    self._messages[address] += 1
                    self.first_message_at = self.first_message_at or time.monotonic()
                case {"kind": "call", "url": str(address)}:
                    self._calls[address] += 1
        return CarrierFigures(
            messages=self._messages.total(),
            messages_doubled=self._messages.total() - len(self._messages),
            calls=self._calls.total(),
            calls_doubled=self._calls.total() - len(self._calls),
        )

    def _new_entries(self) -> Iterator[dict[str, Any]]:
        if not self._book.exists():
            return
        with self._book.open("rb") as book:
            book.seek(self._read_up_to)
            for line in book:
                if not line.endswith(b"\n"):  # is being written
                    return
                self._read_up_to += len(line)
                yield json.loads(line)
