"""The `CallChanges` read off the ledger topic: what every replica committed, seen by each."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
from aiokafka import AIOKafkaConsumer, TopicPartition
from aiokafka.errors import KafkaError

from common.events.topics import CUSTOMER_PARTITIONS, OUTREACH_EVENTS
from common.observability.logging import get_logger
from services.outbound_dialer.adapters.change_fan_out import ChangeFanOut
from services.outbound_dialer.ports import CallChanged, ChangeFeed

_log = get_logger("watch")

PREFIX = "call."
RETRY_SECONDS = 1.0


class _Data(msgspec.Struct):
    call_id: str = ""


class _Entry(msgspec.Struct):
    """What is needed of a ledger entry, as `common.events.codec` encodes it."""

    type: str
    data: _Data = msgspec.field(default_factory=_Data)


_decoder = msgspec.json.Decoder(_Entry)


class KafkaCallChanges:
    """See `CallChanges`. A `Lifecycle`; reads the topic only while somebody watches."""

    def __init__(self, bootstrap_servers: str) -> None:
        self._bootstrap_servers = bootstrap_servers
        self._fan_out = ChangeFanOut()
        self._watchers = 0
        self._reading: asyncio.Task[None] | None = None
        self._ready = asyncio.Event()

    async def start(self) -> None:
        """Nothing: reading begins with the first watcher."""

    async def stop(self) -> None:
        """Stops reading."""
        if self._reading is not None:
            self._reading.cancel()
            await asyncio.wait([self._reading])
            self._reading = None
            self._ready.clear()

    @asynccontextmanager
    async def subscribe(self, customer_ids: frozenset[str]) -> AsyncIterator[ChangeFeed]:
        """See `CallChanges`; entered once the end of the topic is known, so that nothing later is missed."""
        self._watchers += 1
        try:
            if self._reading is None:
                self._reading = asyncio.create_task(self._read())
            async with self._fan_out.subscribe(customer_ids) as feed:
                await self._ready.wait()
                yield feed
        finally:
            self._watchers -= 1
            if not self._watchers:
                await self.stop()

    async def _read(self) -> None:
        while True:
            try:
                await self._read_on()
            except (KafkaError, OSError) as error:
                _log.warning("watch_interrupted", kind=type(error).__name__)
                await asyncio.sleep(RETRY_SECONDS)

    async def _read_on(self) -> None:
        consumer = AIOKafkaConsumer(bootstrap_servers=self._bootstrap_servers, enable_auto_commit=False)
        await consumer.start()
        try:
            consumer.assign([TopicPartition(OUTREACH_EVENTS.name, number) for number in range(CUSTOMER_PARTITIONS)])
            await consumer.seek_to_end()
            if self._ready.is_set():
                self._fan_out.miss()
            self._ready.set()
            async for record in consumer:
                self._tell(record.key, record.value)
        finally:
            await consumer.stop()

    def _tell(self, key: bytes | None, value: bytes | None) -> None:
        if not key or not value:
            return
        try:
            entry = _decoder.decode(value)
        except msgspec.DecodeError:
            return  # not written by the product; the audit and the console care about it
        if entry.type.startswith(PREFIX) and entry.data.call_id:
            self._fan_out.tell(CallChanged(key.decode("utf-8", "replace"), entry.data.call_id))
