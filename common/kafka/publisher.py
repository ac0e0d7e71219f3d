"""Writes to Kafka with acknowledgement by all replicas, in batches per partition."""

from collections.abc import Mapping, Sequence

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaError

from common.errors import TransientError
from common.events.codec import STRUCTURED_TYPE

REQUEST_TIMEOUT_MS = 10_000
MAX_REQUEST_BYTES = 4 * 1024 * 1024
"""A dead letter holds the original, and originals may be as large as the broker takes."""

CONTENT_TYPE = [("content-type", STRUCTURED_TYPE)]


class KafkaPublisher:
    """The `LogWriter` on Kafka, and the writer of dead letters.

    Idempotent, so that the producer's own retries neither double nor reorder.
    """

    def __init__(self, bootstrap_servers: str, client_id: str) -> None:
        self._producer = AIOKafkaProducer(
            bootstrap_servers=bootstrap_servers,
            client_id=client_id,
            acks="all",
            enable_idempotence=True,
            request_timeout_ms=REQUEST_TIMEOUT_MS,
            max_request_size=MAX_REQUEST_BYTES,
        )

    async def start(self) -> None:
        """Connects.

        Raises:
            TransientError: `log_unavailable`.
        """
        try:
            await self._producer.start()
        except KafkaError as error:
            raise TransientError("log_unavailable", kind=type(error).__name__) from error

    async def close(self) -> None:
        """Disconnects."""
        await self._producer.stop()

    async def publish(self, topic: str, records: Mapping[int, Sequence[tuple[bytes, bytes]]]) -> None:
        """See `LogWriter`."""
        try:
            pending = [
                await self._producer.send(topic, value=value, key=key, partition=partition, headers=CONTENT_TYPE)
                for partition, pairs in records.items()
                for key, value in pairs
            ]
            for written in pending:
                await written
        except KafkaError as error:
            raise TransientError("log_unavailable", kind=type(error).__name__) from error

    async def write(
        self,
        topic: str,
        *,
        partition: int,
        key: bytes | None,
        value: bytes | None,
        headers: Sequence[tuple[str, bytes]],
    ) -> None:
        """Writes one record and waits until it is safe.

        Raises:
            TransientError: `log_unavailable`.
        """
        try:
            await self._producer.send_and_wait(topic, value=value, key=key, partition=partition, headers=list(headers))
        except KafkaError as error:
            raise TransientError("log_unavailable", kind=type(error).__name__) from error
