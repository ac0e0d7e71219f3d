"""Documents, seen marks, due work, outbox, changelog and shard records on Redis."""

import secrets
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from math import ceil, floor
from typing import Any, Generic, TypeVar

from common.errors import PermanentError, TransientError
from common.events.topics import partition_for
from common.kernel.document import AggregateType, DocumentCodec
from common.kernel.ports import (
    Claim,
    CommitResult,
    FactMark,
    Loaded,
    NewDocument,
    OutboxEntry,
    ShardRecord,
    Snapshot,
)
from common.kernel.redis.commands import open_commands
from common.kernel.redis.connection import RunWatch
from common.kernel.redis.keys import SEEN_FOR, ShardKeys, clock_member, clock_parts
from common.kernel.redis.scripts import CLAIM, COMMIT, COPIED, DROP, OPEN, RESTORE, SETTLE, WHOLE
from common.kernel.versions import next_version

S = TypeVar("S")

SEEN_SECONDS = int(SEEN_FOR.total_seconds())

WRONG_KIND = "WRONGTYPE"
"""Redis' word for a key that holds another kind of value than a command can work on."""

_shard_of = lru_cache(maxsize=65_536)(partition_for)


class RedisStore(Generic[S]):
    """All of the kernel's ports on Redis; see `common.kernel.ports` for their contracts."""

    def __init__(self, url: str, kind: AggregateType[S], partitions: int) -> None:
        self.url = url
        self._watch = RunWatch()
        self._redis = open_commands(url, self._watch)
        self._kind = kind
        self._codec = DocumentCodec(kind)
        self._partitions = partitions
        self._keys = [ShardKeys(kind.service, shard) for shard in range(partitions)]

    async def close(self) -> None:
        """Closes all connections."""
        await self._redis.close()

    async def ping(self) -> None:
        """Raises `TransientError` if Redis does not answer."""
        await self._redis.call("GET", self._keys[0].fences)

    # AggregateStore

    def shard_of(self, customer_id: str) -> int:
        """See `AggregateStore`."""
        return _shard_of(customer_id, self._partitions)

    def next_version(self, version: int) -> int:
        """See `AggregateStore`."""
        return next_version(version, secrets.randbits)

    async def load(self, customer_id: str) -> Loaded[S]:
        """See `AggregateStore`."""
        version, schema, body = await self._stored(self._keys[self.shard_of(customer_id)].doc(customer_id))
        if version is None:
            return Loaded(customer_id, self._kind.empty(customer_id))
        content = self._codec.decode(body or b"", int(schema or 0))
        return Loaded(customer_id, content.state, int(version), content.sequence, content.applied)

    async def _stored(self, key: str) -> Sequence[bytes | None]:
        """Version, schema and body of the document under this key."""
        try:
            found: Sequence[bytes | None] = await self._redis.call("HMGET", key, "v", "s", "d")
        except TransientError as error:
            if error.context.get("kind") == WRONG_KIND:
                # somebody else wrote there: one customer's trouble, and no outage that all must wait for
                raise PermanentError("document_unreadable", service=self._kind.service, kind=WRONG_KIND) from error
            raise
        return found

    async def commit(
        self, loaded: Loaded[S], new: NewDocument[S], *, mark: FactMark | None = None, claim: Claim | None = None
    ) -> CommitResult:
        """See `AggregateStore`."""
        customer_id = loaded.customer_id
        keys = self._keys[self.shard_of(customer_id)]
        body = self._codec.encode(new.state, new.sequence, new.applied)
        names = [keys.doc(customer_id), keys.due, keys.fence, keys.outbox, keys.changed, keys.record]
        if mark:
            names.append(keys.seen(mark.fact_id))
        arguments: list[Any] = [loaded.version, new.version, self._kind.schema, body, customer_id]
        arguments += [mark.digest if mark else "", SEEN_SECONDS]
        arguments += [clock_member(claim.customer_id, claim.item_id), claim.fence] if claim else ["", ""]
        arguments.append(len(new.clocks_set))
        for item_id, at in new.clocks_set.items():
            arguments += (_due(at), clock_member(customer_id, item_id))
        arguments.append(len(new.clocks_removed))
        arguments += [clock_member(customer_id, item_id) for item_id in new.clocks_removed]
        arguments.append(len(new.ledger))
        arguments += new.ledger
        return CommitResult((await self._redis.run(COMMIT, names, arguments)).decode())

    # SeenMarks

    async def seen(self, shard: int, fact_ids: Sequence[str]) -> Sequence[str | None]:
        """See `SeenMarks`."""
        if not fact_ids:
            return []
        found = await self._redis.call("MGET", *(self._keys[shard].seen(fact_id) for fact_id in fact_ids))
        return [digest.decode() if digest is not None else None for digest in found]

    async def mark(self, shard: int, marks: Sequence[FactMark]) -> None:
        """See `SeenMarks`."""
        keys = self._keys[shard]
        await self._redis.calls(
            [("SET", keys.seen(mark.fact_id), mark.digest, "EX", SEEN_SECONDS, "NX") for mark in marks]
        )

    # DueWork

    async def claim(
        self, shard: int, now: datetime, lease: timedelta, limit: int
    ) -> tuple[Sequence[Claim], datetime | None]:
        """See `DueWork`."""
        keys = self._keys[shard]
        earliest, found = await self._redis.run(
            CLAIM, [keys.due, keys.fence, keys.fences], [_floor(now), _due(now + lease), limit]
        )
        claims = [
            Claim(*clock_parts(member), fence=int(fence), due_at=_moment(score))
            for member, score, fence in zip(found[::3], found[1::3], found[2::3], strict=True)
        ]
        return claims, _moment(earliest) if earliest else None

    async def drop(self, claim: Claim) -> None:
        """See `DueWork`."""
        keys = self._keys[self.shard_of(claim.customer_id)]
        member = clock_member(claim.customer_id, claim.item_id)
        await self._redis.run(DROP, [keys.due, keys.fence], [member, claim.fence])

    # Outbox

    async def read(self, shards: Sequence[int], limit: int) -> Mapping[int, Sequence[OutboxEntry]]:
        """See `Outbox`."""
        found = await self._redis.calls(
            [("XRANGE", self._keys[shard].outbox, "-", "+", "COUNT", limit) for shard in shards]
        )
        return {
            shard: [OutboxEntry(position.decode(), fields[0], fields[1]) for position, fields in entries]
            for shard, entries in zip(shards, found, strict=True)
            if entries
        }

    async def trim(self, up_to: Mapping[int, str]) -> None:
        """See `Outbox`."""
        await self._redis.calls(
            [("XTRIM", self._keys[shard].outbox, "MINID", _after(position)) for shard, position in up_to.items()]
        )

    # Changelog

    async def changed(self, shards: Sequence[int], limit: int) -> Mapping[int, Sequence[Snapshot]]:
        """See `Changelog`."""
        names = await self._redis.calls([("ZRANGE", self._keys[shard].changed, 0, limit - 1) for shard in shards])
        listed = [(shard, name.decode()) for shard, found in zip(shards, names, strict=True) for name in found]
        documents = await self._redis.calls(
            [("HMGET", self._keys[shard].doc(customer_id), "v", "s", "d") for shard, customer_id in listed]
        )
        snapshots: dict[int, list[Snapshot]] = {}
        for (shard, customer_id), (version, schema, body) in zip(listed, documents, strict=True):
            if version is not None and schema is not None and body is not None:
                packed = b"%s %s %s" % (version, schema, body)
                snapshots.setdefault(shard, []).append(Snapshot(customer_id, int(version), packed))
        return snapshots

    async def copied(self, snapshots: Mapping[int, Sequence[Snapshot]]) -> None:
        """See `Changelog`."""
        for shard, shots in snapshots.items():
            arguments: list[Any] = [part for shot in shots for part in (shot.customer_id, shot.version)]
            await self._redis.run(COPIED, [self._keys[shard].changed], arguments)

    async def restore(self, shard: int, snapshots: Sequence[Snapshot]) -> int:
        """See `Changelog`."""
        return sum([await self._put_back(self._keys[shard], snapshot) for snapshot in snapshots])

    async def _put_back(self, keys: ShardKeys, snapshot: Snapshot) -> int:
        version, schema, body = snapshot.body.split(b" ", 2)
        arguments: list[Any] = [version, schema, body]
        for item_id, at in self._codec.clocks_in(body, int(schema)).items():
            arguments += (_due(at), clock_member(snapshot.customer_id, item_id))
        return int(await self._redis.run(RESTORE, [keys.doc(snapshot.customer_id), keys.due], arguments))

    # ShardRecords

    @property
    def generation(self) -> int:
        """See `ShardRecords`."""
        return self._watch.generation

    async def open(self, shard: int, now: datetime) -> ShardRecord:
        """See `ShardRecords`."""
        flat = await self._redis.run(OPEN, [self._keys[shard].record], [_due(now)])
        fields = {name.decode(): value.decode() for name, value in zip(flat[::2], flat[1::2], strict=True)}
        return ShardRecord(
            born="born" in fields,
            doubt_until=_moment(fields["doubt"]) if "doubt" in fields else None,
            audited={name.removeprefix("at:"): int(at) for name, at in fields.items() if name.startswith("at:")},
            whole="torn" not in fields,
        )

    async def audited(self, shard: int, topic: str, next_offset: int) -> None:
        """See `ShardRecords`."""
        await self._redis.call("HSET", self._keys[shard].record, f"at:{topic}", next_offset)

    async def settle(self, shard: int, *, doubt_until: datetime | None) -> None:
        """See `ShardRecords`."""
        await self._redis.run(SETTLE, [self._keys[shard].record], [_due(doubt_until) if doubt_until else ""])

    async def made_whole(self, shard: int, doubt_until: datetime) -> None:
        """See `ShardRecords`."""
        # the doubt was read from the record, so it is a whole number of milliseconds but for the float between
        await self._redis.run(WHOLE, [self._keys[shard].record], [round(doubt_until.timestamp() * 1000)])


def _after(position: str) -> str:
    milliseconds, _, number = position.partition("-")
    return f"{milliseconds}-{int(number) + 1}"


def _due(at: datetime) -> int:
    # rounded up, and `now` down: what Redis calls due is due for the state's finer clocks, too
    return ceil(at.timestamp() * 1000)


def _floor(now: datetime) -> int:
    return floor(now.timestamp() * 1000)


def _moment(milliseconds: bytes | str) -> datetime:
    return datetime.fromtimestamp(float(milliseconds) / 1000, UTC)
