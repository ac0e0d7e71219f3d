"""Every Redis key of the kernel, with its lifetime.

All keys of one shard carry the hash tag `{s<shard>}`, so a script touches one slot of a cluster.

| key | holds | lifetime |
|---|---|---|
| `<service>:{s7}:doc:<customer>` | hash: v version, s schema, d document | none: the state itself, bounded |
| `<service>:{s7}:seen:<fact>` | digest of the fact's content | 30 days |
| `<service>:{s7}:due` | sorted set: clock → due time, ms | none: entries go with their work |
| `<service>:{s7}:fence` | hash: claimed clock → fence | none: entries go with their work |
| `<service>:{s7}:fences` | counter of fences | none: must never go back |
| `<service>:{s7}:outbox` | stream: ledger entries not yet published | none: trimmed once published |
| `<service>:{s7}:changed` | sorted set: customer → version not yet in the changelog | none: entries go once copied |
| `<service>:{s7}:shard` | hash: run, born, doubt, torn, audited offsets | none: the shard's own record |
"""

from dataclasses import dataclass
from datetime import timedelta
from hashlib import blake2b

SEEN_FOR = timedelta(days=30)
"""Events older than this on arrival are dead-lettered, so a mark is never needed longer."""

CLOCK_SEPARATOR = "\x1f"
_FACT_DIGEST_BYTES = 12


@dataclass(frozen=True, slots=True)
class ShardKeys:
    """Builds the keys of one shard of one service."""

    service: str
    shard: int

    @property
    def prefix(self) -> str:
        """Service and hash tag."""
        return f"{self.service}:{{s{self.shard}}}"

    def doc(self, customer_id: str) -> str:
        """The customer's document."""
        return f"{self.prefix}:doc:{customer_id}"

    def seen(self, fact_id: str) -> str:
        """The fact's mark; fact ids may be long, so a 96-bit digest of them is kept."""
        return f"{self.prefix}:seen:{blake2b(fact_id.encode(), digest_size=_FACT_DIGEST_BYTES).hexdigest()}"

    @property
    def due(self) -> str:
        """Clocks by time."""
        return f"{self.prefix}:due"

    @property
    def fence(self) -> str:
        """Newest fence of each claimed clock."""
        return f"{self.prefix}:fence"

    @property
    def fences(self) -> str:
        """Last fence given."""
        return f"{self.prefix}:fences"

    @property
    def outbox(self) -> str:
        """Unpublished ledger entries."""
        return f"{self.prefix}:outbox"

    @property
    def changed(self) -> str:
        """Documents newer than their changelog."""
        return f"{self.prefix}:changed"

    @property
    def record(self) -> str:
        """The shard's record."""
        return f"{self.prefix}:shard"


def clock_member(customer_id: str, item_id: str) -> str:
    """A clock's name in the shard's sorted set."""
    return f"{customer_id}{CLOCK_SEPARATOR}{item_id}"


def clock_parts(member: bytes) -> tuple[str, str]:
    """Customer and item of a clock's name."""
    customer_id, _, item_id = member.decode().partition(CLOCK_SEPARATOR)
    return customer_id, item_id
