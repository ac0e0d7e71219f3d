"""Keeps records in the order they came, so that lists are cheap however many there are."""

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from typing import Generic, TypeVar

from sandbox.records import Call, Message

RecordT = TypeVar("RecordT", Message, Call)


class Shelf(Generic[RecordT]):
    """Records by sid, and newest first by called number."""

    def __init__(self) -> None:
        self._by_sid: dict[str, RecordT] = {}
        self._all: list[RecordT] = []
        self._by_to: defaultdict[str, list[RecordT]] = defaultdict(list)

    def __len__(self) -> int:
        return len(self._by_sid)

    def __iter__(self) -> Iterator[RecordT]:
        """Every record, oldest first."""
        return (record for record in self._all if record.sid in self._by_sid)

    def add(self, record: RecordT) -> None:
        """Puts a new record on the shelf and numbers it."""
        record.ordinal = len(self._all)
        self._by_sid[record.sid] = record
        self._all.append(record)
        self._by_to[record.to].append(record)

    def get(self, sid: str) -> RecordT | None:
        """The record, if there is one."""
        return self._by_sid.get(sid)

    def count_to(self, to: str) -> int:
        """How many records there have been for this number."""
        line = self._by_to.get(to)
        return len(line) if line else 0

    def earlier(self, record: RecordT) -> int:
        """How many records for the same number came before this one."""
        return bisect_left(self._by_to[record.to], record.ordinal, key=_ordinal)

    def remove(self, sid: str) -> None:
        """Takes the record away; nothing happens when it is not there."""
        self._by_sid.pop(sid, None)

    def newest_first(self, *, to: str | None = None, before: str | None = None) -> Iterator[RecordT]:
        """Records from the newest to the oldest.

        Args:
            to: only those to this number.
            before: only those older than the record with this sid.
        """
        line = self._by_to.get(to, []) if to else self._all
        start = len(line)
        if before is not None and (mark := self._by_sid.get(before)) is not None:
            start = bisect_left(line, mark.ordinal, key=_ordinal)
        for position in range(start - 1, -1, -1):
            if line[position].sid in self._by_sid:
                yield line[position]


def _ordinal(record: Message | Call) -> int:
    return record.ordinal
