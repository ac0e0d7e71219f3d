"""The topics as data, and the partitioner that must be the Java producer's."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kafka.partitioner.default import murmur2 as kafka_python_murmur2

from common.events.topics import (
    CUSTOMER_PARTITIONS,
    CUSTOMER_PROFILES,
    INTAKE_TOPICS,
    POLICY_EVENTS,
    TOPICS,
    dlq_of,
    murmur2,
    partition_for,
)


class TestPartitioner:
    # The Java client's own test vectors (UtilsTest.testMurmur2), signed there.
    @pytest.mark.parametrize(
        ("text", "signed"),
        [
            ("21", -973932308),
            ("foobar", -790332482),
            ("a-little-bit-long-string", -985981536),
            ("a-little-bit-longer-string", -1486304829),
            ("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971),
            ("abc", 479470107),
        ],
    )
    def test_hash_is_the_java_producers(self, text: str, signed: int) -> None:
        assert murmur2(text.encode()) == signed % 2**32

    @given(st.binary(max_size=80))
    def test_hash_agrees_with_kafka_python(self, data: bytes) -> None:
        assert murmur2(data) == kafka_python_murmur2(data) % 2**32

    def test_customers_spread_over_all_partitions(self) -> None:
        partitions = [partition_for(f"c-{number:06d}") for number in range(6400)]
        assert set(partitions) == set(range(CUSTOMER_PARTITIONS))
        assert max(partitions.count(partition) for partition in range(CUSTOMER_PARTITIONS)) < 150


class TestTopics:
    def test_everything_keyed_by_customer_has_the_shards_partitions(self) -> None:
        by_customer = {name: topic.partitions for name, topic in TOPICS.items() if "policy-packs" not in name}
        assert set(by_customer.values()) == {CUSTOMER_PARTITIONS}

    def test_every_intake_topic_has_a_dead_letter_topic_that_takes_its_largest_record(self) -> None:
        for topic in INTAKE_TOPICS:
            letters = dlq_of(topic)
            assert TOPICS[topic.name + ".dlq"] == letters
            assert letters.max_message_bytes > topic.max_message_bytes
            assert not letters.compacted

    def test_words_for_kafka(self) -> None:
        assert (POLICY_EVENTS.cleanup_policy, POLICY_EVENTS.retention_ms) == ("delete", 30 * 24 * 3600 * 1000)
        assert (CUSTOMER_PROFILES.cleanup_policy, CUSTOMER_PROFILES.retention_ms) == ("compact", -1)

    def test_names_end_with_their_version(self) -> None:
        assert all(name.removesuffix(".dlq").endswith(".v1") for name in TOPICS)
