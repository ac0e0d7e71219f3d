"""The facade through which services count: typed methods, one registry per instance, no global state."""

from collections.abc import Collection
from datetime import datetime, timedelta
from math import nan
from typing import Any

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.exposition import CONTENT_TYPE_LATEST, generate_latest

from common.clock import Clock, SystemClock
from common.kernel.ports import CommitResult
from common.observability import metric_list as listed
from common.observability.metric_list import EventOutcome, SendOutcome
from common.observability.series import AllSeries

__all__ = ["EventOutcome", "Metrics", "SendOutcome"]


class Metrics:
    """All metrics of one process; every method returns at once and never raises; for the event loop's thread only.

    Args:
        service: name of the service, as in `notifier`.
        clock: tells ages at exposition.
    """

    def __init__(self, service: str, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._registry = CollectorRegistry()
        ProcessCollector(registry=self._registry)
        self._of = AllSeries(listed.METRICS)
        self._registry.register(self._of)
        self._audited: dict[str, dict[int, datetime]] = {}
        self._outbox: dict[int, datetime] = {}
        self._in_doubt: dict[int, set[str]] = {}
        self._of[listed.SERVICE_INFO][service,](1)
        # found once here, so that the busiest methods cost one look-up
        self._events_in = self._of[listed.EVENTS_IN]
        self._event_seconds = self._of[listed.EVENT_SECONDS]
        self._decisions = self._of[listed.DECISIONS]
        self._ledger_entries = self._of[listed.LEDGER_ENTRIES]
        self._due_lateness = self._of[listed.DUE_LATENESS][()]

    def event_in(self, topic: str, event_type: str, outcome: EventOutcome, seconds: float) -> None:
        """One record of a topic was dealt with in `seconds`; an unknown type counts as `other`."""
        self._events_in[topic, event_type, outcome](1)
        self._event_seconds[topic,](seconds)

    def ledger_entry(self, entry_type: str, rule_id: str | None = None) -> None:
        """A ledger entry was committed; `rule_id` if it carries a decision."""
        self._ledger_entries[entry_type,](1)
        if rule_id is not None:
            self._decisions[rule_id, entry_type](1)

    def sent(self, channel: str, provider: str, outcome: SendOutcome) -> None:
        """A provider call for a reserved attempt came out like this."""
        self._of[listed.SENDS][channel, provider, outcome](1)

    def receipt(self, provider: str, status: str) -> None:
        """A provider reported a status in its own words."""
        self._of[listed.RECEIPTS][provider, status](1)

    def attempt_in_doubt(self, shard: int, attempt_id: str) -> None:
        """The outcome of this attempt is unknown; may be said again at each look-up."""
        self._in_doubt.setdefault(shard, set()).add(attempt_id)

    def attempt_settled(self, shard: int, attempt_id: str) -> None:
        """The attempt is in doubt no more; without effect if it never was."""
        self._in_doubt.get(shard, set()).discard(attempt_id)

    def attempt_reconciled(self, *, found: bool) -> None:
        """An attempt was cleared up: the provider has it (`found`), or never had it."""
        self._of[listed.ATTEMPTS_RECONCILED]["true" if found else "false",](1)

    def audited(self, topic: str, shard: int, up_to: datetime) -> None:
        """Every record of the topic in this shard recorded before `up_to` is proved handled."""
        self._audited.setdefault(topic, {})[shard] = up_to

    def gap_healed(self, topic: str) -> None:
        """The audit found a record that was not handled, and handled it."""
        self._of[listed.AUDIT_GAPS_HEALED][topic,](1)

    def outbox_waiting(self, shard: int) -> None:
        """The relay found ledger entries of the shard that are not published; they age from the first such moment."""
        self._outbox.setdefault(shard, self._clock.now())

    def outbox_published(self, shard: int, count: int) -> None:
        """So many ledger entries of the shard were published; what waits behind them is found by the next look."""
        self._of[listed.OUTBOX_PUBLISHED][()](count)
        self._outbox.pop(shard, None)

    def due_fired(self, late: timedelta) -> None:
        """A clock rang this long after its time."""
        self._due_lateness(late.total_seconds())

    def due_claimed(self, count: int) -> None:
        """So many due items were claimed."""
        self._of[listed.DUE_CLAIMED][()](count)

    def lease_expired(self) -> None:
        """A due item was claimed again because its earlier lease ran out."""
        self._of[listed.LEASES_EXPIRED][()](1)

    def dead_letter(self, topic: str, code: str) -> None:
        """A record of `topic` was put on its dead-letter topic because of `code`."""
        self._of[listed.DEAD_LETTERS][topic, code](1)

    def commit_collided(self) -> None:
        """Another writer was faster; the decision is taken again."""
        self._of[listed.COMMIT_COLLISIONS][()](1)

    def commit_refused(self, result: CommitResult) -> None:
        """The store refused a commit."""
        self._of[listed.COMMIT_REFUSED][result,](1)

    def fact_held(self) -> None:
        """A fact is kept until its customer's profile arrives."""
        self._of[listed.FACTS_HELD]["held",](1)

    def fact_released(self) -> None:
        """A profile arrived and let a held fact go on."""
        self._of[listed.FACTS_HELD]["released",](1)

    def provider_request(self, provider: str, operation: str, seconds: float) -> None:
        """One request to a provider took `seconds`."""
        self._of[listed.PROVIDER_SECONDS][provider, operation](seconds)

    def webhook(self, kind: str, outcome: str) -> None:
        """A status webhook of this kind ended so."""
        self._of[listed.WEBHOOKS][kind, outcome](1)

    def grpc_request(self, method: str, code: str) -> None:
        """An RPC was answered with this status code's name."""
        self._of[listed.GRPC_REQUESTS][method, code](1)

    def shards_owned(self, shards: Collection[int]) -> None:
        """This replica owns exactly these shards; what was known of others is forgotten."""
        self._of[listed.SHARDS_OWNED][()](len(shards))
        owned = set(shards)
        shard_maps: tuple[dict[int, Any], ...] = (self._outbox, self._in_doubt, *self._audited.values())
        for known in shard_maps:
            _keep_only(owned, known)

    def store_unavailable(self) -> None:
        """An operation failed because the store was unavailable."""
        self._of[listed.STORE_UNAVAILABLE][()](1)

    def ready(self, is_ready: bool) -> None:
        """What the last readiness check said."""
        self._of[listed.READY][()](1 if is_ready else 0)

    def bug(self, entrypoint: str) -> None:
        """An entrypoint's guard caught an unexpected exception."""
        self._of[listed.BUGS][entrypoint,](1)

    def exposition(self) -> tuple[str, bytes]:
        """Content type and text for a scrape."""
        now = self._clock.now()
        for topic, shards in self._audited.items():
            self._of[listed.AUDITED_UP_TO_AGE][topic,](_age(shards, now, if_none=nan))
        self._of[listed.OUTBOX_AGE][()](_age(self._outbox, now, if_none=0.0))
        self._of[listed.OUTCOME_UNKNOWN_OPEN][()](sum(map(len, self._in_doubt.values())))
        return CONTENT_TYPE_LATEST, generate_latest(self._registry)


def _keep_only(owned: set[int], known: dict[int, Any]) -> None:
    for shard in known.keys() - owned:
        del known[shard]


def _age(moments: dict[int, datetime], now: datetime, *, if_none: float) -> float:
    """Seconds since the oldest moment."""
    oldest = min(list(moments.values()), default=None)
    return if_none if oldest is None else (now - oldest).total_seconds()
