"""A process in the group is found there by its own client id."""

from collections.abc import AsyncIterator
from datetime import timedelta

import pytest
from kafka import KafkaAdminClient
from kafka.admin import NewTopic

from common.errors import TransientError
from common.kafka.consumer_group import ConsumerGroup, GroupSettings
from common.kafka.log_reader import KafkaLogReader
from common.kernel.log import LogRecord
from tests.support.polling import eventually_async

JOINS_WITHIN = 60.0


async def ignore(_: LogRecord | frozenset[int]) -> None:
    """Nothing is consumed here."""


@pytest.fixture
async def group(kafka: str, unique_suffix: str) -> AsyncIterator[ConsumerGroup]:
    name = f"joined{unique_suffix}"
    admin = KafkaAdminClient(bootstrap_servers=kafka)
    admin.create_topics([NewTopic(name, 2, 1)])
    admin.close()
    joining = ConsumerGroup(
        GroupSettings(
            bootstrap_servers=kafka,
            group=name,
            shard_topic=name,
            topics=[name],
            partitions=2,
            session_timeout=timedelta(seconds=6),
        ),
        ignore,
        ignore,
    )
    await joining.start()
    yield joining
    await joining.stop()


async def test_the_coordinator_knows_us_by_our_client_id(kafka: str, unique_suffix: str, group: ConsumerGroup) -> None:
    reader = KafkaLogReader(kafka, f"joined{unique_suffix}")

    async def known() -> bool:
        try:
            return set(await reader.group_clients()) == {group.client_id}
        except TransientError:
            return False

    try:
        assert await eventually_async(known, JOINS_WITHIN)
    finally:
        await reader.close()
