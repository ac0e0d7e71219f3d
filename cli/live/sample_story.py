"""What `make run` publishes by itself: invented customers, and a failed payment of each."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime

from cli.kafka_records import NewRecord, write_records
from cli.samples.facts import samples
from cli.samples.people import People
from cli.stack.errors import StackError
from common.errors import TransientError
from common.events.codec import encode
from common.events.profiles import CustomerProfile
from common.events.topics import CUSTOMER_PROFILES, POLICY_EVENTS, Topic, partition_for
from common.events.upstream.premium import PremiumPaymentFailed


def publish_samples(bootstrap: str, customers: int) -> None:
    """Publish the profiles, then one failed payment of each customer.

    Other people in every run: the ones of an earlier run have had their message of the day.

    Raises:
        StackError: Kafka does not take them.
    """
    try:
        write_records(bootstrap, _records(customers, datetime.now(UTC), seed=int(time.time())))
    except TransientError as error:
        raise StackError(
            f"The samples could not be published ({error.code}).",
            remedy="see whether Kafka still runs, or use SAMPLES=0.",
        ) from error


def _records(customers: int, now: datetime, *, seed: int) -> Iterator[NewRecord]:
    people = People(seed=seed, size=customers, awake_at=now)
    told: list[tuple[Topic, str]] = [
        (CUSTOMER_PROFILES, CustomerProfile.TYPE),
        (POLICY_EVENTS, PremiumPaymentFailed.TYPE),
    ]
    for topic, event_type in told:
        for envelope in samples(event_type, count=customers, people=people, seed=seed, at=now):
            record = encode(envelope)
            partition = partition_for(envelope.customer_id)
            yield NewRecord(
                topic=topic.name, partition=partition, key=record.key, value=record.value, headers=record.headers
            )
