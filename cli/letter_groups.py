"""Dead letters, one group for each original: every service that reads a topic refuses a bad record for itself."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any

from common.events.vocabulary import CUSTOMER_ID
from common.kafka.dead_letters import DeadLetter, Position


@dataclass(frozen=True, slots=True)
class LetterGroup:
    """All services' refusals of one record; never empty."""

    letters: tuple[DeadLetter, ...]
    is_replayed: bool

    @property
    def first(self) -> DeadLetter:
        """The earliest refusal; key, value and headers are the same in all."""
        return self.letters[0]

    @property
    def original(self) -> Position:
        """Where the refused record stands."""
        return self.first.original

    @property
    def services(self) -> list[str]:
        """Who refused it."""
        return sorted({letter.service for letter in self.letters})

    @property
    def customer(self) -> str:
        """The key if it is a customer id; anything else may be personal and is not shown."""
        key = (self.first.key or b"").decode(errors="replace")
        return key if CUSTOMER_ID.match(key) else "(no customer id)"

    def as_dict(self) -> dict[str, Any]:
        """For JSON output; holds nothing of the event's content."""
        return {
            "topic": self.original.topic,
            "partition": self.original.partition,
            "offset": self.original.offset,
            "at": self.first.at.isoformat(),
            "customer": self.customer,
            "services": self.services,
            "code": self.first.code,
            "field": self.first.field,
            "reason": self.first.reason,
            "remedy": self.first.remedy,
            "bytes": len(self.first.value or b""),
            "replayed": self.is_replayed,
            "replay_of": str(self.first.replayed_from) if self.first.replayed_from else None,
        }


def grouped(letters: Iterable[DeadLetter], replayed: Collection[Position]) -> list[LetterGroup]:
    """The groups in the order in which they were refused first."""
    by_original: dict[Position, list[DeadLetter]] = {}
    for letter in letters:
        by_original.setdefault(letter.original, []).append(letter)
    groups = [
        LetterGroup(tuple(sorted(found, key=lambda letter: letter.at)), original in replayed)
        for original, found in by_original.items()
    ]
    return sorted(groups, key=lambda group: (group.first.at, group.original))
