"""Metrics are exposed as Prometheus reads them, ages grow by themselves and labels stay bounded."""

from datetime import UTC, datetime, timedelta
from math import isnan

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from common.errors import TransientError
from common.events.ledger import (
    CallOutcomeUnknown,
    CallReconciled,
    CallRefused,
    FactHeld,
    FactReleased,
    NotificationDelivered,
    NotificationFailed,
    NotificationOutcomeUnknown,
    NotificationReconciled,
    NotificationScheduled,
)
from common.events.model import LedgerFact
from common.kernel.decision import Effect, Origin
from common.kernel.ports import CommitResult
from common.observability.kernel_metrics import KernelMetrics
from common.observability.metric_list import METRICS, OTHER
from common.observability.metrics import EventOutcome, Metrics, SendOutcome
from common.observability.series import MAX_SERIES

NOW = datetime(2026, 11, 20, 2, 15, tzinfo=UTC)


class Hand:
    """A clock that is set by hand."""

    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> datetime:
        return self.time


@pytest.fixture
def clock() -> Hand:
    return Hand()


@pytest.fixture
def metrics(clock: Hand) -> Metrics:
    return Metrics("notifier", clock)


def families(metrics: Metrics) -> dict[str, Metric]:
    content_type, text = metrics.exposition()
    assert content_type.startswith("text/plain")
    return {family.name: family for family in text_string_to_metric_families(text.decode())}


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    for family in families(metrics).values():
        for sample in family.samples:
            if sample.name == f"nineconnect_{name}" and sample.labels == labels:
                return sample.value
    return None


def test_counts_events_by_topic_type_and_outcome(metrics: Metrics) -> None:
    for _ in range(3):
        metrics.event_in("policy-events.v1", "premium.payment_failed.v1", EventOutcome.HANDLED, 0.0007)

    assert (
        value(metrics, "events_in_total", topic="policy-events.v1", type="premium.payment_failed.v1", outcome="handled")
        == 3
    )
    assert value(metrics, "event_seconds_count", topic="policy-events.v1") == 3
    assert value(metrics, "event_seconds_bucket", topic="policy-events.v1", le="0.0005") == 0
    assert value(metrics, "event_seconds_bucket", topic="policy-events.v1", le="0.001") == 3
    assert value(metrics, "event_seconds_bucket", topic="policy-events.v1", le="+Inf") == 3
    assert value(metrics, "event_seconds_sum", topic="policy-events.v1") == pytest.approx(0.0021)


@pytest.mark.parametrize(
    ("seconds", "first_bucket"), [(0.05, "0.05"), (0.051, "0.25"), (600, "600.0"), (601, "+Inf"), (0, "0.05")]
)
def test_a_bucket_includes_its_bound(metrics: Metrics, seconds: float, first_bucket: str) -> None:
    metrics.due_fired(timedelta(seconds=seconds))
    filled = [
        sample.labels["le"]
        for sample in families(metrics)["nineconnect_due_lateness_seconds"].samples
        if sample.name.endswith("_bucket") and sample.value
    ]
    assert filled[0] == first_bucket


def test_counters_of_few_known_series_start_at_zero(metrics: Metrics) -> None:
    assert value(metrics, "audit_gaps_healed_total", topic="policy-events.v1") == 0
    assert value(metrics, "bugs_total", entrypoint="pool") == 0
    assert value(metrics, "leases_expired_total") == 0


def test_two_instances_share_nothing(metrics: Metrics) -> None:
    metrics.store_unavailable()
    assert value(Metrics("callback"), "store_unavailable_total") == 0
    assert value(metrics, "store_unavailable_total") == 1


def test_everything_listed_is_exposed_with_its_kind(metrics: Metrics) -> None:
    exposed = families(metrics)
    for spec in METRICS:
        assert exposed[spec.name.removesuffix("_total")].type == spec.kind


@pytest.mark.parametrize("invented", ["no.such_type.v1", "+12025550143", "", "x" * 500, "\n"])
def test_an_invented_type_is_counted_as_other(metrics: Metrics, invented: str) -> None:
    metrics.event_in("policy-events.v1", invented, EventOutcome.DEAD_LETTERED, 0.001)
    assert value(metrics, "events_in_total", topic="policy-events.v1", type=OTHER, outcome="dead_lettered") == 1


@pytest.mark.parametrize("status", ["12025550143", "+12025550143", "two words", "", "é", "x" * 81])
def test_no_label_holds_a_number_or_free_text(metrics: Metrics, status: str) -> None:
    metrics.receipt("twilio", status)
    assert value(metrics, "receipts_total", provider="twilio", status=OTHER) == 1


def test_a_flood_of_names_makes_no_series_without_end(metrics: Metrics) -> None:
    for number in range(3 * MAX_SERIES):
        metrics.dead_letter("policy-events.v1", f"code_{number}")
    samples = families(metrics)["nineconnect_dead_letters"].samples
    assert len(samples) == MAX_SERIES + 1
    assert sum(sample.value for sample in samples) == 3 * MAX_SERIES
    assert value(metrics, "dead_letters_total", topic=OTHER, code=OTHER) == 2 * MAX_SERIES


def test_the_audits_age_is_that_of_the_worst_shard_and_grows_by_itself(metrics: Metrics, clock: Hand) -> None:
    metrics.shards_owned([1, 2])
    metrics.audited("policy-events.v1", 1, NOW - timedelta(seconds=5))
    metrics.audited("policy-events.v1", 2, NOW - timedelta(seconds=9))
    assert value(metrics, "audited_up_to_age_seconds", topic="policy-events.v1") == 9
    clock.time += timedelta(seconds=60)
    assert value(metrics, "audited_up_to_age_seconds", topic="policy-events.v1") == 69


def test_what_was_known_of_a_shard_goes_with_the_shard(metrics: Metrics) -> None:
    metrics.shards_owned([1, 2])
    metrics.audited("policy-events.v1", 2, NOW - timedelta(seconds=9))
    metrics.outbox_waiting(2)
    metrics.attempt_in_doubt(2, "n-1/1")
    metrics.shards_owned([1])
    age = value(metrics, "audited_up_to_age_seconds", topic="policy-events.v1")
    assert age is not None
    assert isnan(age)
    assert value(metrics, "outbox_age_seconds") == 0
    assert value(metrics, "outcome_unknown_open") == 0
    assert value(metrics, "shards_owned") == 1


def test_the_outbox_ages_while_it_waits_and_is_young_again_when_published(metrics: Metrics, clock: Hand) -> None:
    metrics.outbox_waiting(1)
    clock.time += timedelta(seconds=3)
    metrics.outbox_waiting(1)
    metrics.outbox_waiting(2)
    clock.time += timedelta(seconds=7)
    assert value(metrics, "outbox_age_seconds") == 10
    metrics.outbox_published(1, 5)
    assert value(metrics, "outbox_age_seconds") == 7
    metrics.outbox_published(2, 1)
    assert value(metrics, "outbox_age_seconds") == 0
    assert value(metrics, "outbox_published_total") == 6


def test_the_rest_is_counted_under_its_labels(metrics: Metrics) -> None:
    metrics.sent("sms", "twilio", SendOutcome.UNKNOWN)
    metrics.gap_healed("policy-events.v1")
    metrics.due_claimed(16)
    metrics.lease_expired()
    metrics.provider_request("twilio", "create_message", 0.03)
    metrics.webhook("message_status", "forged")
    metrics.grpc_request("PlaceCall", "ALREADY_EXISTS")
    metrics.bug("intake")
    metrics.ready(True)

    assert value(metrics, "sends_total", channel="sms", provider="twilio", outcome="unknown") == 1
    assert value(metrics, "audit_gaps_healed_total", topic="policy-events.v1") == 1
    assert value(metrics, "due_claimed_total") == 16
    assert value(metrics, "leases_expired_total") == 1
    assert value(metrics, "provider_seconds_count", provider="twilio", operation="create_message") == 1
    assert value(metrics, "webhooks_total", kind="message_status", outcome="forged") == 1
    assert value(metrics, "grpc_requests_total", method="PlaceCall", code="ALREADY_EXISTS") == 1
    assert value(metrics, "bugs_total", entrypoint="intake") == 1
    assert value(metrics, "ready") == 1
    metrics.ready(False)
    assert value(metrics, "ready") == 0


def commit(metrics: Metrics, *facts: LedgerFact, shard: int = 1) -> None:
    KernelMetrics(metrics).committed(shard, {}, [(Origin(), fact) for fact in facts])


def test_ledger_entries_are_counted_by_type_and_decisions_by_rule(metrics: Metrics) -> None:
    commit(metrics, NotificationScheduled.example(), NotificationDelivered.example())
    assert value(metrics, "ledger_entries_total", type="notification.scheduled.v1") == 1
    assert value(metrics, "ledger_entries_total", type="notification.delivered.v1") == 1
    assert value(metrics, "decisions_total", rule="payment_failed.sms", type="notification.scheduled.v1") == 1
    assert len(families(metrics)["nineconnect_decisions"].samples) == 1


@pytest.mark.parametrize(
    ("doubt", "settled"),
    [(NotificationOutcomeUnknown, NotificationReconciled), (CallOutcomeUnknown, CallReconciled)],
)
def test_an_attempt_is_open_from_the_doubt_to_its_reconciliation(
    metrics: Metrics, doubt: type[LedgerFact], settled: type[LedgerFact]
) -> None:
    commit(metrics, doubt.example())
    commit(metrics, doubt.example())
    assert value(metrics, "outcome_unknown_open") == 1
    commit(metrics, settled.example())
    assert value(metrics, "outcome_unknown_open") == 0
    assert value(metrics, "attempts_reconciled_total", found="true") == 1


@pytest.mark.parametrize(
    ("doubt", "refusal"), [(NotificationOutcomeUnknown, NotificationFailed), (CallOutcomeUnknown, CallRefused)]
)
def test_an_attempt_refused_for_good_is_in_doubt_no_more(
    metrics: Metrics, doubt: type[LedgerFact], refusal: type[LedgerFact]
) -> None:
    commit(metrics, doubt.example())
    commit(metrics, refusal.example())
    assert value(metrics, "outcome_unknown_open") == 0


def test_an_attempt_of_unknown_shard_may_be_settled(metrics: Metrics) -> None:
    metrics.attempt_settled(9, "n-1/1")
    assert value(metrics, "outcome_unknown_open") == 0


def test_held_and_released_facts_are_counted(metrics: Metrics) -> None:
    commit(metrics, FactHeld.example(), FactHeld.example(), FactReleased.example())
    assert value(metrics, "facts_held_total", change="held") == 2
    assert value(metrics, "facts_held_total", change="released") == 1


def test_the_kernels_other_notices_are_counted(metrics: Metrics) -> None:
    watch = KernelMetrics(metrics)
    watch.collided()
    watch.refused(CommitResult.SEEN)
    watch.fired(timedelta(seconds=0.2))
    watch.lease_expired()
    watch.outcome_not_recorded(Effect("n-1", "n-1/1", NOW), TransientError("store_unavailable"))
    assert value(metrics, "commit_collisions_total") == 1
    assert value(metrics, "commit_refused_total", result="seen") == 1
    assert value(metrics, "due_lateness_seconds_count") == 1
    assert value(metrics, "leases_expired_total") == 1
    assert value(metrics, "store_unavailable_total") == 1
