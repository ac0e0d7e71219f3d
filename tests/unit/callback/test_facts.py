"""What facts lead to, in whatever order they come."""

from datetime import date, timedelta

import pytest

from common.errors import InvalidEvent
from common.events.ledger import (
    FactHeld,
    FactIgnored,
    FactReleased,
    TaskCallOrdered,
    TaskClosed,
    TaskEscalated,
    TaskFactJoined,
    TaskOpened,
)
from common.events.upstream import PremiumRenewalDue
from common.events.vocabulary import CallOutcome, Channel
from services.callback.domain.bounds import MAX_OPEN_TASKS
from services.callback.domain.state import CallbackState, TaskStatus, empty_state
from tests.support.packs import pack_with
from tests.unit.callback.world import CUSTOMER, NOON, World, failed, minutes, order_ids, paid, profile

HOUR = timedelta(hours=1)


@pytest.fixture
def world() -> World:
    """A customer whose profile is known."""
    world = World()
    world.take(profile())
    return world


class TestUnknownCustomer:
    def test_a_fact_waits_for_the_profile_and_goes_on_in_its_own_story(self) -> None:
        world = World()
        fact = world.take(failed())
        assert [(held.fact_id, held.fact_type) for held in world.told(FactHeld)] == [(fact.id, fact.type)]
        world.pass_time(timedelta(days=2))
        world.take(profile())
        assert world.told(FactReleased)[0].fact_id == fact.id
        assert world.task.origin.fact_id == fact.id
        assert world.told(TaskOpened)[0].first_call_at == world.now + minutes(8)

    def test_a_payment_ends_a_held_failure(self) -> None:
        world = World()
        fact = world.take(failed())
        world.take(paid())
        assert world.told(FactIgnored)[0].fact_id == fact.id
        world.take(profile())
        assert world.told(TaskOpened) == []

    def test_the_same_fact_is_held_once(self) -> None:
        world = World()
        fact = world.take(failed())
        world.retake(fact)
        assert len(world.state.held) == 1

    def test_no_profile_in_30_days_ends_the_wait_visibly(self) -> None:
        world = World()
        world.take(failed())
        world.pass_time(timedelta(days=30))
        assert "no profile" in world.told(FactIgnored)[0].reason
        assert world.state.held == ()

    def test_what_no_scenario_speaks_of_is_not_held(self) -> None:
        world = World()
        world.take(PremiumRenewalDue.example())
        assert (world.state, world.ledger) == (empty_state(CUSTOMER), [])

    def test_a_released_fact_that_no_rule_can_judge_is_visible(self) -> None:
        broken = "id: N2\nwhen: event.bank_name == 'x' && event.product_name.size() > 3"
        world = World(pack=pack_with(nine_connect=broken))
        world.take(failed(product_name=None, bank_name="x"))
        world.take(profile())
        assert world.told(FactIgnored)[0].reason.startswith("condition_not_evaluable")
        with pytest.raises(InvalidEvent):
            world.take(failed(product_name=None, bank_name="x"))


class TestOrderOfFacts:
    def test_facts_of_one_journey_are_one_task(self, world: World) -> None:
        world.take(failed())
        again = world.take(failed(reason_code="card_expired"))
        world.take(failed(due=date(2026, 12, 20)))
        assert len(world.told(TaskOpened)) == 2
        joined = world.told(TaskFactJoined)[0]
        assert (joined.task_id, joined.fact_id) == (world.state.tasks[0].id, again.id)

    def test_a_success_that_overtook_its_failure_keeps_it_quiet(self, world: World) -> None:
        world.take(paid())
        late = world.take(failed(), at=NOON - HOUR)
        ignored = world.told(FactIgnored)[0]
        assert (ignored.fact_id, ignored.decision.rule_id if ignored.decision else "") == (late.id, "N2.already_closed")
        assert world.state.open_tasks == ()

    def test_a_success_without_due_date_ends_all_of_its_policy(self, world: World) -> None:
        world.take(failed())
        world.take(failed(due=date(2026, 12, 20)))
        world.take(failed("P-2"))
        world.take(paid(due=None))
        assert [task.data["policy_id"] for task in world.state.open_tasks] == ["P-2"]
        world.take(failed(due=date(2027, 1, 20)), at=NOON - HOUR)
        assert len(world.state.open_tasks) == 1

    def test_a_failure_after_the_success_is_followed_again(self, world: World) -> None:
        world.take(failed())
        world.take(paid())
        world.pass_time(HOUR)
        world.take(failed())
        assert len(world.state.open_tasks) == 1

    def test_a_failure_from_before_the_result_of_its_task_is_ignored(self, world: World) -> None:
        world.take(failed())
        world.pass_time(minutes(9))
        world.call_ended(order_ids(world)[0], CallOutcome.COMPLETED, "pay_link_requested")
        world.take(failed(), at=NOON + minutes(1))
        assert world.state.open_tasks == ()
        world.pass_time(HOUR)
        world.take(failed())
        assert len(world.state.open_tasks) == 1

    @pytest.mark.parametrize("before", [True, False])
    def test_a_payment_of_another_policy_ends_nothing(self, world: World, before: bool) -> None:
        facts = [paid("P-2"), failed()]
        for fact in facts if before else reversed(facts):
            world.take(fact)
        assert len(world.state.open_tasks) == 1

    def test_the_same_fact_again_changes_nothing(self, world: World) -> None:
        fact = world.take(failed())
        world.retake(fact)
        assert (len(world.told(TaskOpened)), world.told(TaskFactJoined)) == (1, [])
        world.take(paid())
        before = len(world.ledger)
        world.retake(fact)
        assert (len(world.ledger), world.state.open_tasks) == (before, ())


class TestOnePersonOneConversation:
    def test_a_second_task_waits_until_the_first_call_is_over(self, world: World) -> None:
        world.take(failed())
        world.take(failed("P-2"))
        first, second = (task.id for task in world.state.tasks)
        world.pass_time(minutes(30))
        assert order_ids(world) == [f"{first}/1"]
        assert {task.status for task in world.state.tasks} == {TaskStatus.CALLING, TaskStatus.WAITING}
        world.call_ended(f"{first}/1", CallOutcome.COMPLETED, "pay_link_requested")
        world.pass_time(timedelta(0))
        assert order_ids(world) == [f"{first}/1", f"{second}/1"]

    def test_the_more_urgent_task_calls_first(self) -> None:
        urgent = SECOND_SCENARIO.replace("priority: P2", "priority: P0")
        world = World(pack=pack_with(nine_connect=urgent))
        world.take(profile())
        world.take(failed())
        world.take(PremiumRenewalDue.example())
        world.pass_time(minutes(8))
        assert world.dialer.book[0].context.scenario == "N10"


SECOND_SCENARIO = """
id: N10
name: { zh-CN: 续期将至, en: Renewal near }
on: [premium.renewal_due.v1]
when: event.amount > 100.0 && has(profile.region)
mode: offline_proactive
priority: P2
purpose: service
first_call_after: PT8M
first_call_within: PT10M
deadline: { of: due_date, after: P30D }
ladder: [{ id: call, channel: voice_bot, flow: payment_failed }]
outcomes:
  completed: { result: told }
  busy: { escalate: true }
  no_answer: { redial_after: PT1H }
  machine: { redial_after: PT1H }
  failed: { escalate: true }
  expired: { redial_after: PT0S }
meanings:
  pay_link_requested: { result: told }
  human_requested: { escalate: true }
  opted_out: { result: told }
attempts: { per_day: 1, in_all: 2 }
merge_key: [policy_id]
closing_facts: [{ type: premium.payment_succeeded.v1, match: [policy_id] }]
closing_result: paid
expired_result: late
results:
  - { id: paid, name: { zh-CN: 已交费, en: Paid } }
  - { id: told, name: { zh-CN: 已告知, en: Told } }
  - { id: late, name: { zh-CN: 逾期, en: Late } }
owner_queue: renewals
hand_over: [policy_id, due_date]
flow: payment_failed
source: { id: test, text: A scenario that is data and nothing else, basis: A }
basis: { attempts: A }
"""


class TestScenariosAreData:
    def test_a_new_scenario_needs_no_code(self) -> None:
        world = World(pack=pack_with(nine_connect=SECOND_SCENARIO))
        world.take(profile())
        world.take(PremiumRenewalDue.example())
        world.pass_time(minutes(8))
        world.call_ended(order_ids(world)[0], CallOutcome.BUSY)
        assert world.told(TaskEscalated)[0].queue == "renewals"
        world.take(paid(PremiumRenewalDue.example().policy_id))
        assert world.told(TaskClosed)[0].result == "paid"

    def test_a_condition_that_does_not_hold_opens_nothing(self) -> None:
        world = World(pack=pack_with(nine_connect=SECOND_SCENARIO))
        world.take(profile())
        world.take(PremiumRenewalDue.model_validate({**PremiumRenewalDue.EXAMPLE, "amount": "99.00"}))
        assert world.state.tasks == ()

    def test_a_ladder_without_smart_call_goes_to_people_at_once(self) -> None:
        ladder = "ladder: [{ id: person, channel: voice_human, queue: renewals }]"
        start, end = SECOND_SCENARIO.index("ladder:"), SECOND_SCENARIO.index("outcomes:")
        people_only = f"{SECOND_SCENARIO[:start]}{ladder}\n{SECOND_SCENARIO[end:]}"
        world = World(pack=pack_with(nine_connect=people_only))
        world.take(profile())
        world.take(PremiumRenewalDue.example())
        assert world.told(TaskOpened)[0].first_call_at is None
        assert (world.task.status, world.task.queue_reason) == (TaskStatus.ESCALATED, "no_smart_call")

    def test_a_task_whose_scenario_is_gone_goes_to_its_queue(self) -> None:
        world = World(pack=pack_with(nine_connect=SECOND_SCENARIO))
        world.take(profile())
        world.take(PremiumRenewalDue.example())
        world.pack = World().pack
        world.pass_time(minutes(8))
        assert (world.task.queue, world.task.queue_reason) == ("renewals", "scenario_gone")


class TestWhenCallsAreNotPossible:
    @pytest.mark.parametrize(
        ("changes", "reason"),
        [
            ({"phone_numbers": []}, "no_phone_number"),
            ({"jurisdiction": "ZZ"}, "unknown_jurisdiction"),
            ({"consent": {"service": {"granted": False, "at": "2026-01-01T00:00:00Z"}}}, "calls_refused"),
        ],
    )
    def test_people_take_over(self, changes: dict[str, object], reason: str) -> None:
        world = World()
        world.take(profile(**changes))
        world.take(failed())
        assert (world.task.status, world.task.queue_reason) == (TaskStatus.ESCALATED, reason)

    @pytest.mark.parametrize("scope", ["service", "all"])
    def test_an_opt_out_is_heeded_when_the_call_is_due(self, world: World, scope: str) -> None:
        world.take(failed())
        world.opted_out(scope)
        world.pass_time(minutes(30))
        assert (order_ids(world), world.task.queue_reason) == ([], "calls_refused")

    @pytest.mark.parametrize(("scope", "channel"), [("marketing", Channel.VOICE), ("all", Channel.SMS)])
    def test_an_opt_out_from_something_else_is_not(self, world: World, scope: str, channel: Channel) -> None:
        world.take(failed())
        world.opted_out(scope, channel)
        world.pass_time(minutes(30))
        assert len(order_ids(world)) == 1

    def test_a_later_consent_takes_an_opt_out_back(self, world: World) -> None:
        world.opted_out()
        world.take(profile(consent={"service": {"granted": True, "at": (NOON + HOUR).isoformat()}}))
        world.take(failed())
        assert world.task.status is TaskStatus.SCHEDULED

    def test_a_number_that_goes_before_the_call_goes_to_people(self, world: World) -> None:
        world.take(failed())
        world.take(profile(phone_numbers=[]))
        world.pass_time(minutes(30))
        assert world.task.queue_reason == "no_phone_number"

    def test_too_late_for_any_call(self, world: World) -> None:
        world.take(failed(grace_ends_on=date(2026, 11, 22)))
        assert [fact.result for fact in world.told(TaskClosed)] == ["grace_period_ended"]

    def test_the_mobile_number_is_called_first(self) -> None:
        world = World()
        numbers = [("+12025550101", "landline"), ("+12025550102", "mobile")]
        world.take(profile(phone_numbers=[{"phone_number": number, "kind": kind} for number, kind in numbers]))
        world.take(failed())
        world.pass_time(minutes(8))
        assert world.dialer.book[0].request.phone_number == "+12025550102"


class TestErasure:
    def test_everything_is_cancelled_and_nothing_is_kept(self, world: World) -> None:
        world.take(failed())
        world.pass_time(minutes(8))
        order_id = order_ids(world)[0]
        tombstone = world.take(None)
        assert [(fact.result, fact.closing_fact_id) for fact in world.told(TaskClosed)] == [("erased", tombstone.id)]
        assert world.state.order is not None
        assert world.state.order.request is None
        world.pass_time(minutes(1))
        assert world.dialer.cancelled == {order_id: "customer_erased"}
        assert world.state == CallbackState(CUSTOMER)

    def test_a_call_that_is_cancelled_already_is_not_cancelled_again(self, world: World) -> None:
        world.take(failed())
        world.pass_time(minutes(8))
        world.dialer.dial(CUSTOMER, order_ids(world)[0])
        world.take(paid())
        world.perform_all()
        world.take(None)
        assert world.pending == []
        assert world.state.order is not None
        assert (world.state.order.cancel_reason, world.state.order.request) == ("premium.payment_succeeded.v1", None)

    def test_what_was_held_is_dropped_visibly(self) -> None:
        world = World()
        world.take(failed())
        world.take(None)
        assert world.told(FactIgnored)[0].reason == "the customer was erased"
        assert world.state == CallbackState(CUSTOMER)

    def test_a_customer_may_come_back(self, world: World) -> None:
        world.take(None)
        world.take(profile())
        world.take(failed())
        world.pass_time(minutes(8))
        assert len(world.told(TaskCallOrdered)) == 1


def test_more_open_tasks_than_one_person_can_have_are_refused(world: World) -> None:
    for number in range(MAX_OPEN_TASKS):
        world.take(failed(f"P-{number}"))
    with pytest.raises(InvalidEvent, match="too_many_open_tasks"):
        world.take(failed("P-one-more"))
    world.take(failed("P-0"))
    assert len(world.state.open_tasks) == MAX_OPEN_TASKS
