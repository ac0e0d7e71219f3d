"""`ensure_topics` on a real broker: creates, is idempotent, refuses what does not fit."""

from dataclasses import replace

import pytest
from kafka import KafkaAdminClient

from common.errors import TransientError
from common.events.topics import CUSTOMER_PROFILES, POLICY_EVENTS, Topic, dlq_of
from common.kafka.admin import WrongTopics, actual_topics, admin_client, ensure_topics, topic_problems
from tests.support.ports import free_port


@pytest.fixture
def topics(unique_suffix: str) -> list[Topic]:
    intake = [replace(topic, name=topic.name + unique_suffix) for topic in (POLICY_EVENTS, CUSTOMER_PROFILES)]
    return [replace(topic, partitions=3) for topic in (*intake, *map(dlq_of, intake))]


def names(topics: list[Topic]) -> set[str]:
    return {topic.name for topic in topics}


def create(admin: KafkaAdminClient, topic: Topic, *, partitions: int, **settings: str) -> None:
    configs = {"max.message.bytes": str(topic.max_message_bytes)} | {
        key.replace("_", "."): value for key, value in settings.items()
    }
    admin.create_topics(
        {topic.name: {"num_partitions": partitions, "replication_factor": 1, "configs": configs}},
        wait_for_metadata=True,
    )


class TestEnsureTopics:
    def test_creates_what_is_missing_as_the_list_says_and_nothing_twice(self, kafka: str, topics: list[Topic]) -> None:
        with admin_client(kafka) as admin:
            assert set(ensure_topics(admin, topics)) == names(topics)
            assert ensure_topics(admin, topics) == []
            found = actual_topics(admin, topics)
        assert {
            name: (topic.partitions, topic.compacted, topic.max_message_bytes) for name, topic in found.items()
        } == {topic.name: (topic.partitions, topic.compacted, topic.max_message_bytes) for topic in topics}

    def test_refuses_a_wrong_partition_count_but_creates_the_others(self, kafka: str, topics: list[Topic]) -> None:
        with admin_client(kafka) as admin:
            create(admin, topics[0], partitions=2)
            with pytest.raises(WrongTopics) as refused:
                ensure_topics(admin, topics)
            assert actual_topics(admin, topics).keys() == names(topics)
        assert len(refused.value.problems) == 1
        assert f"{topics[0].name} has 2 partitions, 3 are needed" in str(refused.value)

    def test_refuses_a_profile_topic_that_forgets(self, kafka: str, topics: list[Topic]) -> None:
        with admin_client(kafka) as admin:
            create(admin, topics[1], partitions=3, cleanup_policy="delete")
            with pytest.raises(WrongTopics, match=r"must have cleanup\.policy=compact"):
                ensure_topics(admin, topics)

    def test_refuses_a_dead_letter_topic_too_small_for_its_letters(self, kafka: str, topics: list[Topic]) -> None:
        with admin_client(kafka) as admin:
            create(admin, topics[2], partitions=3, max_message_bytes="1000000")
            with pytest.raises(WrongTopics, match=r"max\.message\.bytes of at least 2162688"):
                ensure_topics(admin, topics)

    def test_refusal_of_the_broker_is_named(self, kafka: str, topics: list[Topic]) -> None:
        with admin_client(kafka) as admin, pytest.raises(WrongTopics, match="InvalidReplicationFactorError"):
            ensure_topics(admin, topics, replication_factor=5)

    def test_checking_alone_creates_nothing(self, kafka: str, topics: list[Topic]) -> None:
        with admin_client(kafka) as admin:
            problems = topic_problems(admin, topics)
            assert actual_topics(admin, topics) == {}
        assert [problem.split(" ")[0] for problem in problems] == [topic.name for topic in topics]


def test_absent_kafka_is_transient_and_named() -> None:
    nobody = f"127.0.0.1:{free_port()}"
    with pytest.raises(TransientError, match="kafka_unavailable") as said, admin_client(nobody, timeout_ms=300):
        pass
    assert said.value.context["bootstrap"] == nobody
