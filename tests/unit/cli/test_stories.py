"""What the commands make of ledger events and dead letters, without Kafka."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from cli.held import held_facts
from cli.letter_groups import grouped
from cli.story import story
from common.events.envelope import Envelope
from common.events.ledger import FactHeld, FactReleased, NotificationScheduled, TaskCallOrdered
from common.events.model import Fact
from common.kafka.dead_letters import REPLAYED_FROM, DeadLetter, Position

AT = datetime(2026, 11, 20, 2, 15, tzinfo=UTC)


def event(fact: Fact, *, minute: int = 0, service: str | None = "notifier", customer: str = "c-1") -> Envelope:
    return Envelope(
        id=f"{customer}-{service}-{fact.TYPE}-{minute}",
        source=f"/nineconnect/{service}",
        type=fact.TYPE,
        time=AT + timedelta(minutes=minute),
        customer_id=customer,
        data=fact,
        service=service,
    )


class TestHeldFacts:
    def test_each_service_holds_and_releases_for_itself(self) -> None:
        held, released = FactHeld.example(), FactReleased.example()
        events = [event(held), event(held, service="callback", minute=1), event(released, minute=2)]
        [fact] = held_facts(events)
        assert (fact.services, fact.since, fact.customer_id) == ({"callback"}, AT, "c-1")

    def test_nothing_is_left_when_all_released(self) -> None:
        assert held_facts([event(FactHeld.example()), event(FactReleased.example(), minute=1)]) == []

    def test_doubled_and_reordered_ledger_events_change_nothing(self) -> None:
        events = [event(FactReleased.example(), minute=1), event(FactHeld.example()), event(FactHeld.example())]
        assert held_facts(events) == []

    def test_customers_and_facts_are_told_apart_oldest_first(self) -> None:
        other = FactHeld(fact_id="core-2", fact_type="claim.reported.v1", reason="no profile")
        events = [
            event(FactHeld.example(), minute=5),
            event(other, minute=3),
            event(FactHeld.example(), customer="c-2"),
            event(FactReleased.example(), customer="c-3"),
        ]
        assert [(fact.customer_id, fact.fact_id) for fact in held_facts(events)] == [
            ("c-2", "core-2026-000781"),
            ("c-1", "core-2"),
            ("c-1", "core-2026-000781"),
        ]

    def test_service_without_a_name_is_known_by_its_source(self) -> None:
        [fact] = held_facts([event(FactHeld.example(), service=None)])
        assert fact.as_dict()["services"] == ["/nineconnect/None"]


class TestStory:
    def test_is_told_in_order_of_time_and_in_local_time(self) -> None:
        steps = story(
            [event(TaskCallOrdered.example(), minute=1), event(NotificationScheduled.example())],
            ZoneInfo("Asia/Shanghai"),
        )
        assert [step.event.type for step in steps] == ["notification.scheduled.v1", "task.call_ordered.v1"]
        assert steps[0].local_time.hour == 10
        assert steps[0].facts["send_at"] == "2026-11-20T10:15:01+08:00"

    def test_row_says_what_and_why(self) -> None:
        [step] = story([event(NotificationScheduled.example())], UTC)
        when, service, what, rule, pack, inputs, reason = step.row()
        assert (when, service) == ("11-20 02:15:00", "notifier")
        assert what.startswith("notification scheduled: notification_id n-3f9a0c12d4e5, template_id payment_failed")
        assert "decision" not in what
        assert (rule, pack) == ("payment_failed.sms", "2026-11-01.1")
        assert inputs == "reason_code=insufficient_funds, consent=yes, attempts_today=0"
        assert reason == "a failed payment is told at once by SMS"

    def test_step_without_decision_has_no_reason(self) -> None:
        [step] = story([event(FactReleased.example())], UTC)
        assert step.row()[3:] == ["", "", "", ""]
        assert step.as_dict()["decision"] is None

    def test_inputs_that_are_unknown_are_said_to_be(self) -> None:
        scheduled = NotificationScheduled.example()
        assert scheduled.decision is not None
        decision = scheduled.decision.model_copy(update={"inputs": {"agent": None, "paid": False, "share": 0.5}})
        [step] = story([event(scheduled.model_copy(update={"decision": decision}))], UTC)
        assert step.row()[5] == "agent=none, paid=no, share=0.5"

    def test_tombstone_has_no_facts(self) -> None:
        [step] = story([replace(event(FactReleased.example()), data=None)], UTC)
        assert step.facts == {}


def letter(*, offset: int = 7, service: str = "notifier", second: int = 0, key: bytes | None = b"c-1") -> DeadLetter:
    return DeadLetter(
        original=Position("policy-events.v1", 3, offset),
        key=key,
        value=b"{}",
        headers=(),
        code="not_json",
        field="",
        reason="no JSON",
        remedy="send JSON",
        service=service,
        at=AT + timedelta(seconds=second),
    )


class TestLetterGroups:
    def test_one_group_for_each_original(self) -> None:
        letters = [letter(service="notifier", second=2), letter(service="callback", second=1), letter(offset=9)]
        groups = grouped(letters, {Position("policy-events.v1", 3, 9)})
        assert [(group.original.offset, group.services, group.is_replayed) for group in groups] == [
            (9, ["notifier"], True),
            (7, ["callback", "notifier"], False),
        ]

    def test_key_that_is_no_customer_id_is_not_shown(self) -> None:
        for key in (None, b"", b"Lin Example", b"+12025550143", b"\xff", b"c-1\n"):
            assert grouped([letter(key=key)], [])[0].customer == "(no customer id)"
        assert grouped([letter()], [])[0].customer == "c-1"

    def test_json_says_where_a_replay_came_from(self) -> None:
        origin = replace(letter(), headers=((REPLAYED_FROM, b"policy-events.v1/3/2"),))
        [group] = grouped([origin], [])
        assert group.as_dict()["replay_of"] == "policy-events.v1/3/2"
        assert grouped([letter()], [])[0].as_dict()["replay_of"] is None
