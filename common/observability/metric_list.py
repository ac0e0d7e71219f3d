"""All metrics of all services as data: one list that code, alerts and documents are checked against."""

from dataclasses import dataclass
from enum import StrEnum

from common.events.registry import MODELS
from common.events.topics import TOPICS
from common.kernel.ports import CommitResult

PREFIX = "nineconnect_"
OTHER = "other"
"""Stands for every label value that is not allowed, so that nobody outside can make series without end."""


class Kind(StrEnum):
    """Prometheus' kinds of metric."""

    COUNTER = "counter"
    GAUGE = "gauge"
    HISTOGRAM = "histogram"


class EventOutcome(StrEnum):
    """What became of one record of a topic at the intake."""

    HANDLED = "handled"
    IGNORED = "ignored"
    SEEN = "seen"
    DEAD_LETTERED = "dead_lettered"


class SendOutcome(StrEnum):
    """How one provider call that a reserved attempt allowed came out."""

    ACCEPTED = "accepted"
    REFUSED = "refused"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Label:
    """One label; `values` None means: any short constant name, as many as the metric's limit allows."""

    name: str
    values: frozenset[str] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class MetricSpec:
    """One metric under its full exposed name.

    Attributes:
        help: what it says, with its unit; shown by the exposition.
        buckets: upper bounds of a histogram, in the metric's unit.
    """

    name: str
    kind: Kind
    help: str
    labels: tuple[Label, ...] = ()
    buckets: tuple[float, ...] = ()


TOPIC = Label("topic", frozenset(TOPICS))
TYPE = Label("type", frozenset(MODELS))
CHANNEL = Label("channel")
PROVIDER = Label("provider")
ENTRYPOINTS = frozenset({"intake", "pool", "loop", "http", "grpc", "ticks"})
YES_OR_NO = frozenset({"true", "false"})

HANDLING_BUCKETS = (0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.5, 2.5, 10.0)
"""Around the measured 0.2-1 ms of a commit, up to the 5 s of a store's socket time-out."""

PROVIDER_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
"""A near sandbox answers in milliseconds; the deadline of a call is 10 s."""

LATENESS_BUCKETS = (0.05, 0.25, 1.0, 2.5, 5.0, 10.0, 30.0, 120.0, 600.0)
"""A takeover after a crash takes up to 10 s; a first call is due within 600 s."""


def _counter(name: str, text: str, *labels: Label) -> MetricSpec:
    return MetricSpec(name=f"{PREFIX}{name}_total", kind=Kind.COUNTER, help=text, labels=labels)


def _gauge(name: str, text: str, *labels: Label) -> MetricSpec:
    return MetricSpec(name=PREFIX + name, kind=Kind.GAUGE, help=text, labels=labels)


def _histogram(name: str, text: str, buckets: tuple[float, ...], *labels: Label) -> MetricSpec:
    return MetricSpec(name=PREFIX + name, kind=Kind.HISTOGRAM, help=text, labels=labels, buckets=buckets)


SERVICE_INFO = _gauge("service_info", "1, with the name of the service.", Label("service"))
EVENTS_IN = _counter(
    "events_in",
    "Records taken from a topic, by what became of them.",
    TOPIC,
    TYPE,
    Label("outcome", frozenset(EventOutcome)),
)
EVENT_SECONDS = _histogram("event_seconds", "Handling time of one record, commit included.", HANDLING_BUCKETS, TOPIC)
DECISIONS = _counter("decisions", "Ledger entries that carry a decision, by rule.", Label("rule"), TYPE)
LEDGER_ENTRIES = _counter("ledger_entries", "Ledger entries committed.", TYPE)
SENDS = _counter(
    "sends", "Provider calls for a reserved attempt.", CHANNEL, PROVIDER, Label("outcome", frozenset(SendOutcome))
)
RECEIPTS = _counter("receipts", "Statuses that a provider reported.", PROVIDER, Label("status"))
OUTCOME_UNKNOWN_OPEN = _gauge("outcome_unknown_open", "Attempts known to be in doubt and not yet reconciled.")
ATTEMPTS_RECONCILED = _counter(
    "attempts_reconciled", "Attempts in doubt that were cleared up.", Label("found", YES_OR_NO)
)
AUDITED_UP_TO_AGE = _gauge(
    "audited_up_to_age_seconds", "Age of the newest record up to which all are proved handled; worst shard.", TOPIC
)
AUDIT_GAPS_HEALED = _counter("audit_gaps_healed", "Records that the audit found unhandled and handled.", TOPIC)
OUTBOX_AGE = _gauge(
    "outbox_age_seconds", "How long the relay has found unpublished ledger entries waiting; worst shard."
)
OUTBOX_PUBLISHED = _counter("outbox_published", "Ledger entries published.")
DUE_LATENESS = _histogram("due_lateness_seconds", "How long after its time a clock rang.", LATENESS_BUCKETS)
DUE_CLAIMED = _counter("due_claimed", "Due items claimed by the shards' loops.")
LEASES_EXPIRED = _counter("leases_expired", "Due items claimed again because an earlier lease ran out.")
DEAD_LETTERS = _counter("dead_letters", "Records put on a dead-letter topic.", TOPIC, Label("code"))
COMMIT_COLLISIONS = _counter("commit_collisions", "Commits that were decided again because another writer was faster.")
COMMIT_REFUSED = _counter(
    "commit_refused", "Commits that the store refused.", Label("result", frozenset(CommitResult) - {CommitResult.DONE})
)
FACTS_HELD = _counter(
    "facts_held",
    "Facts held for want of a profile, and released by its arrival.",
    Label("change", frozenset({"held", "released"})),
)
PROVIDER_SECONDS = _histogram(
    "provider_seconds", "Time of one provider request.", PROVIDER_BUCKETS, PROVIDER, Label("operation")
)
WEBHOOKS = _counter("webhooks", "Status webhooks received.", Label("kind"), Label("outcome"))
GRPC_REQUESTS = _counter("grpc_requests", "RPCs answered.", Label("method"), Label("code"))
SHARDS_OWNED = _gauge("shards_owned", "Shards that this replica owns.")
STORE_UNAVAILABLE = _counter("store_unavailable", "Operations that failed because the store was unavailable.")
READY = _gauge("ready", "1 if the service is ready, 0 if a readiness check fails.")
BUGS = _counter("bugs", "Unexpected exceptions caught at an entrypoint's guard.", Label("entrypoint", ENTRYPOINTS))

METRICS: tuple[MetricSpec, ...] = (
    SERVICE_INFO,
    EVENTS_IN,
    EVENT_SECONDS,
    DECISIONS,
    LEDGER_ENTRIES,
    SENDS,
    RECEIPTS,
    OUTCOME_UNKNOWN_OPEN,
    ATTEMPTS_RECONCILED,
    AUDITED_UP_TO_AGE,
    AUDIT_GAPS_HEALED,
    OUTBOX_AGE,
    OUTBOX_PUBLISHED,
    DUE_LATENESS,
    DUE_CLAIMED,
    LEASES_EXPIRED,
    DEAD_LETTERS,
    COMMIT_COLLISIONS,
    COMMIT_REFUSED,
    FACTS_HELD,
    PROVIDER_SECONDS,
    WEBHOOKS,
    GRPC_REQUESTS,
    SHARDS_OWNED,
    STORE_UNAVAILABLE,
    READY,
    BUGS,
)
