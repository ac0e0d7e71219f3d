"""A customer, a failed payment and a clock: what every test of the notifier's decisions starts from."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

from common.events.model import LedgerFact
from common.kernel.attempts import AttemptTiming
from common.kernel.decision import Decision, Effect, Moment, Origin
from services.notifier.domain.effects import MessageSeen
from services.notifier.domain.facts import decide_erase, decide_fact, decide_profile
from services.notifier.domain.model import Fact, Notification, NotifierState, Profile, Status, clocks
from services.notifier.domain.outcomes import decide_outcome, decide_receipt
from services.notifier.domain.rules import Rules
from services.notifier.domain.sending import decide_due
from tests.support.packs import shipped_pack

NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
TIMING = AttemptTiming()
RULES = Rules(pack=shipped_pack(), timing=TIMING)
FAILED, PAID = "premium.payment_failed.v1", "premium.payment_succeeded.v1"
MARIA = Profile(
    name="Maria Example",
    phone_number="+12025550143",
    language="en",
    time_zone="UTC",
    jurisdiction="US",
    region="US-NY",
    told_at=NOON - timedelta(days=9),
)
POLICY = {"policy_id": "P-1", "due_date": "2026-03-01"}


def failed(fact_id: str = "f-1", **changes: Any) -> Fact:
    data = {**POLICY, "amount": "3650.00", "currency": "USD", "reason_code": "insufficient_funds", **changes}
    return Fact(FAILED, data, Origin(fact_id, fact_id), happened_at=NOON, since=NOON)


def paid(fact_id: str = "s-1", at: datetime = NOON, **changes: Any) -> Fact:
    return Fact(PAID, {**POLICY, **changes}, Origin(fact_id, fact_id), happened_at=at, since=at)


@dataclass
class Stage:
    """Plays decisions one after the other and remembers what they told and asked for."""

    state: NotifierState = field(default_factory=lambda: NotifierState("c-1", profile=MARIA))
    now: datetime = NOON
    doubt_until: datetime | None = None
    told: list[LedgerFact] = field(default_factory=list)
    effects: list[Effect] = field(default_factory=list)
    rules: Rules = RULES

    def moment(self, since: datetime | None = None) -> Moment:
        return Moment(self.now, min(since or self.now, self.now), self.doubt_until)

    def play(self, decide: Callable[[NotifierState], Decision[NotifierState]]) -> Decision[NotifierState]:
        decision = decide(self.state)
        self.state = decision.state
        self.told += decision.ledger
        self.effects += decision.effects
        return decision

    def fact(self, fact: Fact) -> None:
        self.play(partial(decide_fact, fact=fact, rules=self.rules, moment=self.moment(fact.since)))

    def profile(self, profile: Profile) -> None:
        self.play(partial(decide_profile, profile=profile, rules=self.rules, moment=self.moment()))

    def erase(self) -> None:
        self.play(partial(decide_erase, at=self.now, rules=self.rules))

    def ring(self) -> list[Effect]:
        """Everything due now rings once; returns the new effects."""
        before = len(self.effects)
        for item_id, at in clocks(self.state).items():
            if at <= self.now:
                due = partial(decide_due, notification_id=item_id, rules=self.rules, moment=self.moment(at))
                self.play(due)
        return self.effects[before:]

    def outcome(self, effect: Effect, outcome: object) -> None:
        self.play(partial(decide_outcome, effect=effect, outcome=outcome, rules=self.rules, moment=self.moment()))

    def receipt(self, status: str, sid: str = "SM1", attempt: str | None = None) -> None:
        item = self.only
        attempt_id = attempt or (item.attempt.attempt_id if item.attempt else "")
        self.play(
            partial(
                decide_receipt,
                notification_id=item.notification_id,
                attempt_id=attempt_id,
                seen=MessageSeen(sid, status),
                rules=self.rules,
                moment=self.moment(),
            )
        )

    def later(self, **duration: float) -> None:
        self.now += timedelta(**duration)

    @property
    def only(self) -> Notification:
        (item,) = self.state.notifications.values()
        return item

    def status(self) -> Status:
        return self.only.status

    @property
    def types(self) -> list[str]:
        return [fact.TYPE.removesuffix(".v1") for fact in self.told]
