"""The independent reader against a real broker."""

from collections.abc import AsyncIterator

import pytest
from kafka import KafkaAdminClient
from kafka.admin import NewTopic

from common.errors import TransientError
from common.kafka.log_reader import KafkaLogReader
from common.kernel.log import Span


@pytest.fixture
def topic(kafka: str, unique_suffix: str) -> str:
    name = f"read{unique_suffix}"
    admin = KafkaAdminClient(bootstrap_servers=kafka)
    admin.create_topics([NewTopic(name, 2, 1)])
    admin.close()
    return name


@pytest.fixture
async def reader(kafka: str, unique_suffix: str) -> AsyncIterator[KafkaLogReader]:
    opened = KafkaLogReader(kafka, f"group{unique_suffix}")
    yield opened
    await opened.close()


async def test_an_empty_partition_spans_nothing(reader: KafkaLogReader, topic: str) -> None:
    assert await reader.spans(topic, [0, 1]) == {0: Span(0, 0), 1: Span(0, 0)}


async def test_a_partition_without_a_known_leader_is_an_outage_and_no_bug(reader: KafkaLogReader, topic: str) -> None:
    with pytest.raises(TransientError, match="log_unavailable"):
        await reader.spans(topic, [0, 7])
