"""The kernel's ports: what a store of documents, due work, outbox and shard records must guarantee.

Every method may raise `TransientError("store_unavailable")`: then nothing is known of its effect; a commit is safe to
repeat because the version or the seen mark tells whether it took place.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Generic, Protocol, TypeVar

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class FactMark:
    """Names a fact for ever: `fact_id` is its identity, `digest` its content."""

    fact_id: str
    digest: str


@dataclass(frozen=True, slots=True)
class LogPosition:
    """Where a fact stands in its topic; kept in the document so that a rebuild knows what it already holds."""

    topic: str
    offset: int


@dataclass(frozen=True, slots=True)
class Loaded(Generic[S]):
    """A document as read: `version` 0 means that none exists yet.

    Attributes:
        sequence: number of ledger entries written for this customer so far; gap-free by construction.
        applied: topic → highest offset whose fact the state contains.
    """

    customer_id: str
    state: S
    version: int = 0
    sequence: int = 0
    applied: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Claim:
    """A piece of due work, held by whoever has the newest `fence` for it.

    Attributes:
        due_at: when it was due, or when the lease that ended before this claim ran out.
        fence: greater than that of every earlier claim of the same work.
    """

    customer_id: str
    item_id: str
    fence: int
    due_at: datetime


@dataclass(frozen=True, slots=True)
class OutboxEntry:
    """One encoded ledger event; `position` orders entries within a shard."""

    position: str
    key: bytes
    value: bytes


@dataclass(frozen=True, slots=True)
class NewDocument(Generic[S]):
    """What a commit writes: the state to be, its clocks' changes and the encoded ledger entries."""

    state: S
    version: int
    sequence: int
    applied: Mapping[str, int]
    clocks_set: Mapping[str, datetime]
    clocks_removed: Sequence[str]
    ledger: Sequence[bytes]


class CommitResult(StrEnum):
    """What became of a commit."""

    DONE = "done"
    SEEN = "seen"  # the fact took effect before; nothing was written
    REUSED = "reused"  # the fact's id was seen with other content; nothing was written
    MOVED = "moved"  # the document has another version; load and decide again
    FENCED = "fenced"  # a newer claim of the work exists; leave it alone
    UNBORN = "unborn"  # the shard is not set up in this store (any more); nothing may be written before it is


class AggregateStore(Protocol[S]):
    """Documents with versions, one per customer."""

    def shard_of(self, customer_id: str) -> int:
        """The shard that the customer's keys live in: the partition of its facts."""

    def next_version(self, version: int) -> int:
        """A greater version, different each time it is asked for: after lost writes no number may mean two states."""

    async def load(self, customer_id: str) -> Loaded[S]:
        """The current document, upgraded to the current schema; an empty one with version 0 if there is none.

        Raises:
            PermanentError: `document_unreadable`, if no upgrade leads from its schema to the current one.
        """

    async def commit(
        self, loaded: Loaded[S], new: NewDocument[S], *, mark: FactMark | None = None, claim: Claim | None = None
    ) -> CommitResult:
        """Writes state, seen mark, clocks and outbox together, or nothing.

        Checks in this order: the shard is set up (UNBORN), the fact's mark (SEEN, REUSED), the claim's fence (FENCED),
        the version (MOVED).

        Raises:
            PermanentError: `document_too_large`; the aggregate's own bounds have failed.
        """


class SeenMarks(Protocol):
    """Which facts took effect, for 30 days."""

    async def seen(self, shard: int, fact_ids: Sequence[str]) -> Sequence[str | None]:
        """The digest remembered for each fact, None where it is unknown."""

    async def mark(self, shard: int, marks: Sequence[FactMark]) -> None:
        """Remembers facts without touching a document (dead letters, rebuilds); idempotent."""


class DueWork(Protocol):
    """What is due later, per shard, ordered by time."""

    async def claim(
        self, shard: int, now: datetime, lease: timedelta, limit: int
    ) -> tuple[Sequence[Claim], datetime | None]:
        """Takes up to `limit` due items of the shard, earliest first, and holds each until `now + lease`.

        A lease that has ended is claimable again with a higher fence, so work of a dead process returns by itself.

        Returns:
            The claims, and when the shard's next item is due (None: nothing waits).
        """

    async def drop(self, claim: Claim) -> None:
        """Removes work that no longer exists in its document; without effect if a newer claim exists."""


class Outbox(Protocol):
    """Ledger entries committed but not yet published, per shard, in commit order."""

    async def read(self, shards: Sequence[int], limit: int) -> Mapping[int, Sequence[OutboxEntry]]:
        """The oldest entries of each shard that has any; reading again gives the same until they are trimmed."""

    async def trim(self, up_to: Mapping[int, str]) -> None:
        """Forgets entries up to and including a position per shard; idempotent, safe with two relays at once."""


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A document as it goes to the changelog topic; `body` is opaque to the kernel."""

    customer_id: str
    version: int
    body: bytes


class Changelog(Protocol):
    """Which documents changed since they were last copied to the changelog topic."""

    async def changed(self, shards: Sequence[int], limit: int) -> Mapping[int, Sequence[Snapshot]]:
        """Current copies of documents that changed, up to `limit` for each shard that has any."""

    async def copied(self, snapshots: Mapping[int, Sequence[Snapshot]]) -> None:
        """These versions are safe in the topic; documents that moved on meanwhile stay listed."""

    async def restore(self, shard: int, snapshots: Sequence[Snapshot]) -> int:
        """Puts back documents (with their clocks) that the store lacks or has older; returns how many."""


@dataclass(frozen=True, slots=True)
class ShardRecord:
    """What is known of a shard as a whole.

    Attributes:
        born: the shard has been set up in this store before; False after a total loss.
        doubt_until: see `Moment`.
        audited: topic → next offset to audit.
        whole: no document lacks a fact that was handled; not so after lost writes, until the audit has gone over them.
    """

    born: bool
    doubt_until: datetime | None
    audited: Mapping[str, int]
    whole: bool = True


class ShardRecords(Protocol):
    """One record per shard, and the store's own identity, by which lost writes are noticed."""

    @property
    def generation(self) -> int:
        """Grows when a connection finds the store to be another run than before; then records must be opened again."""

    async def open(self, shard: int, now: datetime) -> ShardRecord:
        """Reads the record; in another run than the one recorded, `doubt_until` is now and the shard is not whole."""

    async def audited(self, shard: int, topic: str, next_offset: int) -> None:
        """Remembers how far the audit came."""

    async def settle(self, shard: int, *, doubt_until: datetime | None) -> None:
        """Marks the shard as born (set up or rebuilt) and, if given, everything before `doubt_until` as in doubt.

        With a doubt it is not whole either. Without effect on a shard that is born: whoever stalled while setting it
        up must not erase what is known since.
        """

    async def made_whole(self, shard: int, doubt_until: datetime) -> None:
        """The audit has gone over everything that was handled before `doubt_until`; no effect if doubts came since."""
