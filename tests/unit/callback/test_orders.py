"""One call order through every kind of trouble between us and the dialer: exactly one call, and never a stuck task."""

from datetime import UTC, datetime, timedelta

import pytest

from common.errors import AppError, OutcomeUnknown, PermanentError, TransientError
from common.events.ledger import TaskCallOrdered, TaskCallOutcomeRecorded
from common.events.vocabulary import CallOutcome
from services.callback.domain.effects import CancelCall, LookUpCall, PlaceCall
from services.callback.domain.state import OrderStatus, TaskStatus
from tests.unit.callback.world import CUSTOMER, NOON, World, failed, minutes, open_at_dialer, order_ids, paid, profile

UNKNOWN = OutcomeUnknown("rpc_deadline_exceeded")
REFUSED = TransientError("store_unavailable", retry_after=timedelta(seconds=3))


@pytest.fixture
def world() -> World:
    """The call of a task is due: its order is committed and about to be sent."""
    world = World()
    world.take(profile())
    world.take(failed())
    world.pass_time(minutes(8), perform=False)
    assert [type(effect) for effect in world.pending] == [PlaceCall]
    return world


def status_of(world: World) -> OrderStatus:
    assert world.state.order is not None
    return world.state.order.status


class TestPlacing:
    @pytest.mark.parametrize(("error", "processed"), [(REFUSED, False), (UNKNOWN, False), (UNKNOWN, True)])
    def test_is_repeated_with_the_same_request_until_answered(
        self, world: World, error: AppError, processed: bool
    ) -> None:
        world.dialer.fail_next(error, processed=processed)
        world.perform()
        assert status_of(world) is OrderStatus.PLACING
        world.pass_time(minutes(2))
        assert (status_of(world), len(order_ids(world))) == (OrderStatus.PLACED, 1)
        assert len(world.told(TaskCallOrdered)) == 1

    def test_survives_a_crash_between_commit_and_call(self, world: World) -> None:
        world.lose_pending()
        world.pass_time(minutes(2))
        assert (status_of(world), len(order_ids(world))) == (OrderStatus.PLACED, 1)

    def test_backs_off_while_the_dialer_is_away(self, world: World) -> None:
        for _ in range(30):
            world.dialer.fail_next(REFUSED)
        world.pass_time(minutes(10))
        tries = 30 - len(world.dialer.failures)
        assert 8 <= tries <= 20

    def test_ends_with_its_window_and_starts_anew_the_next_morning(self, world: World) -> None:
        world.lose_pending()
        world.now = datetime(2026, 11, 24, 2, 0, tzinfo=UTC)  # 21:00: the calling hours have ended
        world.pass_time(minutes(1))
        assert world.told(TaskCallOutcomeRecorded)[0].outcome is CallOutcome.EXPIRED
        assert (world.task.attempts, world.state.contacts) == (0, ())
        assert world.task.next_call_at == datetime(2026, 11, 24, 13, 0, tzinfo=UTC)
        world.pass_time(timedelta(hours=12))
        assert order_ids(world) == [f"{world.task.id}/2"]

    def test_an_order_that_arrived_unnoticed_is_found_after_its_window(self, world: World) -> None:
        world.dialer.fail_next(UNKNOWN, processed=True)
        world.perform()
        world.dialer.end(CUSTOMER, order_ids(world)[0], CallOutcome.COMPLETED, "pay_link_requested")
        world.now = datetime(2026, 11, 24, 3, 0, tzinfo=UTC)
        world.pass_time(minutes(1))
        assert world.task.result == "told_how_to_pay"

    @pytest.mark.parametrize("code", ["order_invalid", "opted_out", "order_key_reused"])
    def test_a_final_refusal_goes_to_people(self, world: World, code: str) -> None:
        world.dialer.refuses = lambda order: PermanentError(code)
        world.perform_all()
        assert (world.task.status, world.task.queue_reason) == (TaskStatus.ESCALATED, code)
        assert world.told(TaskCallOutcomeRecorded)[0].outcome is CallOutcome.FAILED
        assert world.state.contacts == ()

    def test_an_order_known_with_another_request_is_adopted(self, world: World) -> None:
        """The store lost the order; ordering it again at another time makes another request."""
        known = world.pending[0]
        assert isinstance(known, PlaceCall)
        world.perform()
        world.call_ended(known.item_id, CallOutcome.COMPLETED, "human_requested")
        fresh = World(dialer=world.dialer)
        fresh.take(profile())
        fresh.take(failed(), fact_id="fact-2")
        fresh.pass_time(minutes(9))
        assert (fresh.task.id, fresh.task.queue_reason) == (world.task.id, "human_requested")
        assert len(order_ids(world)) == 1


class TestDoubt:
    def test_asks_before_it_orders_what_may_have_been_ordered(self) -> None:
        world = World(doubt_until=NOON + minutes(1))
        world.take(profile())
        world.take(failed())
        world.pass_time(minutes(8), perform=False)
        assert [type(effect) for effect in world.pending] == [LookUpCall]
        world.perform_all()
        assert (status_of(world), len(order_ids(world))) == (OrderStatus.PLACED, 1)

    def test_what_was_not_in_doubt_is_ordered_at_once(self) -> None:
        world = World(doubt_until=NOON - minutes(1))
        world.take(profile())
        world.take(failed())
        world.pass_time(minutes(8), perform=False)
        assert [type(effect) for effect in world.pending] == [PlaceCall]


class TestWatching:
    def test_a_lost_outcome_is_asked_for(self, world: World) -> None:
        world.perform_all()
        world.dialer.end(CUSTOMER, order_ids(world)[0], CallOutcome.BUSY)
        world.pass_time(minutes(6))
        assert world.told(TaskCallOutcomeRecorded)[0].outcome is CallOutcome.BUSY

    def test_a_call_that_goes_on_is_asked_for_again(self, world: World) -> None:
        world.perform_all()
        world.pass_time(minutes(30))
        assert status_of(world) is OrderStatus.PLACED
        assert world.told(TaskCallOutcomeRecorded) == []

    def test_an_order_the_dialer_forgot_is_ordered_again_with_the_same_key(self, world: World) -> None:
        world.perform_all()
        world.dialer.forget()
        world.pass_time(minutes(6))
        assert len(set(order_ids(world))) == 1
        assert len(open_at_dialer(world)) >= 1

    @pytest.mark.parametrize("early", [True, False])
    def test_an_outcome_counts_once_however_it_is_learnt(self, world: World, early: bool) -> None:
        if early:  # the ledger is faster than the answer to our own order
            effect = world.pending[0]
            world.dialer.fail_next(UNKNOWN, processed=True)
            world.perform(effect)
        else:
            world.perform_all()
        order_id = order_ids(world)[0]
        world.call_ended(order_id, CallOutcome.NO_ANSWER)
        world.call_ended(order_id, CallOutcome.NO_ANSWER)
        world.pass_time(minutes(10))
        assert len(world.told(TaskCallOutcomeRecorded)) == 1
        assert len(order_ids(world)) == 1

    def test_events_of_other_orders_mean_nothing(self, world: World) -> None:
        before = world.state
        world.take(paid("P-other"))
        world.call_cancelled("t-other/1")
        world.call_refused("t-other/1")
        assert world.state.order is not None
        assert before.order is not None
        assert world.state.tasks == before.tasks
        assert world.state.order.status is before.order.status


class TestRefusedNumber:
    @pytest.mark.parametrize("permanent", [True, False])
    def test_a_number_the_provider_refuses_for_good_goes_to_people(self, world: World, permanent: bool) -> None:
        world.perform_all()
        order_id = order_ids(world)[0]
        world.call_refused(order_id, permanent=permanent)
        world.call_ended(order_id, CallOutcome.FAILED)
        expected = (TaskStatus.ESCALATED, "refused_by_provider") if permanent else (TaskStatus.SCHEDULED, None)
        assert (world.task.status, world.task.queue_reason) == expected


class TestCancelling:
    @pytest.mark.parametrize("order", ["place first", "cancel first", "place lost", "cancel lost"])
    def test_a_payment_before_the_answer_leaves_no_call(self, world: World, order: str) -> None:
        world.take(paid())
        place, cancel = world.pending
        assert isinstance(cancel, CancelCall)
        first, second = (cancel, place) if order == "cancel first" else (place, cancel)
        for effect in (first, second):
            if order == "place lost" and effect is place:
                world.pending.remove(place)
                continue
            if order == "cancel lost" and effect is cancel:
                world.pending.remove(cancel)
                continue
            world.perform(effect)
        world.pass_time(minutes(10))
        assert open_at_dialer(world) == []
        assert (world.task.result, world.state.order) == ("paid", None)

    @pytest.mark.parametrize(("error", "processed"), [(REFUSED, False), (UNKNOWN, False), (UNKNOWN, True)])
    def test_is_repeated_until_answered(self, world: World, error: AppError, processed: bool) -> None:
        world.perform_all()
        world.take(paid())
        world.dialer.fail_next(error, processed=processed)
        world.pass_time(minutes(10))
        assert open_at_dialer(world) == []
        assert world.state.order is None

    def test_is_given_up_when_the_window_is_over_and_the_dialer_objects(self, world: World) -> None:
        world.perform_all()
        world.take(paid())
        for _ in range(2000):
            world.dialer.fail_next(PermanentError("order_invalid"))
        world.pass_time(timedelta(hours=10))
        assert world.state.order is None

    def test_a_call_that_ended_meanwhile_keeps_its_outcome(self, world: World) -> None:
        world.perform_all()
        world.dialer.end(CUSTOMER, order_ids(world)[0], CallOutcome.MACHINE)
        world.take(paid())
        world.perform_all()
        assert world.told(TaskCallOutcomeRecorded)[0].outcome is CallOutcome.MACHINE
        assert world.task.result == "paid"

    def test_a_call_in_progress_is_watched_to_its_end(self, world: World) -> None:
        world.perform_all()
        world.dialer.dial(CUSTOMER, order_ids(world)[0])
        world.take(paid())
        world.pass_time(minutes(1))
        assert status_of(world) is OrderStatus.ENDING
        world.dialer.end(CUSTOMER, order_ids(world)[0], CallOutcome.COMPLETED)
        world.pass_time(minutes(10))
        assert world.state.order is None
        assert world.task.result == "paid"

    @pytest.mark.parametrize("in_progress", [True, False])
    def test_a_cancellation_we_did_not_ask_for_goes_to_people(self, world: World, in_progress: bool) -> None:
        world.perform_all()
        if in_progress:
            world.call_ended(order_ids(world)[0], CallOutcome.COMPLETED, "pay_link_requested", triggers=False)
        else:
            world.call_cancelled(order_ids(world)[0])
        assert (world.task.status, world.task.queue_reason) == (TaskStatus.ESCALATED, "cancelled")


def test_orders_that_are_never_dialled_end_at_a_person() -> None:
    world = World()
    world.take(profile())
    world.take(failed())
    while world.task.status is not TaskStatus.ESCALATED:
        world.pass_time(timedelta(hours=1))
        if world.state.order:
            world.call_ended(world.state.order.order_id, CallOutcome.EXPIRED)
    assert world.task.queue_reason == "calls_not_dialled"
    assert len(order_ids(world)) == 16
    assert world.now - NOON > timedelta(days=7)
