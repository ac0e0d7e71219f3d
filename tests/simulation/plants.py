"""The product as it is, in replaceable parts; planted bugs replace one of them."""

from collections.abc import Awaitable, Callable
from typing import Any

from common.clock import Clock
from common.kernel.attempts import AttemptTiming
from common.kernel.kernel import Behaviour, Kernel
from common.kernel.log import LogRecord, LogWriter
from common.kernel.relay import Relay, ledger_relay
from common.kernel.shards import ShardKeeper
from tests.simulation.stores import Connection

Take = Callable[[LogRecord], Awaitable[None]]


class Plant:
    """No bug: every part is the product's own."""

    name = "none"
    audits = True
    """Whether the audit runs."""

    def kernel(self, **parts: Any) -> Kernel[Any]:
        """The kernel."""
        return Kernel(**parts)

    def keeper(self, records: Connection[Any], clock: Clock) -> ShardKeeper:
        """Who knows how far a shard's past can be trusted."""
        return ShardKeeper(records, clock)

    def store(self, connection: Connection[Any]) -> Connection[Any]:
        """A process's way to its store."""
        return connection

    def behaviour(self, behaviour: Behaviour[Any]) -> Behaviour[Any]:
        """A service's decisions."""
        return behaviour

    def timing(self, timing: AttemptTiming) -> AttemptTiming:
        """The provider's times."""
        return timing

    def ledger_relay(self, outbox: Connection[Any], writer: LogWriter, topic: str, shards: ShardKeeper) -> Relay:
        """What carries the ledger to its topic."""
        return ledger_relay(outbox, writer, topic, shards, lambda _: None)

    async def take(self, take: Take, acknowledge: Callable[[LogRecord], None], record: LogRecord) -> None:
        """Takes a record from the log: acknowledged once it is dealt with."""
        await take(record)
        acknowledge(record)
