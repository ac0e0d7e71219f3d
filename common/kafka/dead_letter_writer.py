"""Writes dead letters to the dead-letter topic of the record's own topic."""

from common.clock import Clock
from common.errors import InvalidEvent
from common.events.topics import DLQ_SUFFIX
from common.kafka.dead_letters import Position, build
from common.kafka.publisher import KafkaPublisher
from common.kernel.log import LogRecord


class KafkaDeadLetters:
    """The `DeadLetters` port on Kafka."""

    def __init__(self, publisher: KafkaPublisher, service: str, clock: Clock) -> None:
        self._publisher = publisher
        self._service = service
        self._clock = clock

    async def write(self, record: LogRecord, error: InvalidEvent) -> None:
        """See `DeadLetters`."""
        letter = build(
            original=Position(record.topic, record.partition, record.offset),
            key=record.key,
            value=record.value,
            headers=record.headers,
            error=error,
            service=self._service,
            at=self._clock.now(),
        )
        await self._publisher.write(
            record.topic + DLQ_SUFFIX,
            partition=record.partition,
            key=letter.key,
            value=letter.value,
            headers=letter.headers,
        )
