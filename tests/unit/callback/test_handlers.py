"""The use cases on the kernel in memory: what is committed, told and ordered."""

from datetime import timedelta

from common.events.codec import decode
from common.events.ledger import CallEnded
from common.events.topics import OUTREACH_EVENTS
from common.events.vocabulary import CallOutcome
from common.kernel.ports import CommitResult
from services.callback.domain.clocks import clocks
from services.callback.handlers import interests
from tests.support.packs import shipped_pack
from tests.unit.callback.served import Served
from tests.unit.callback.world import CUSTOMER, failed, minutes, paid, profile


async def told(served: Served) -> list[str]:
    """Types of what waits in the outbox, in order; each entry decodes."""
    shard = served.store.shard_of(CUSTOMER)
    entries = (await served.store.read([shard], 1000))[shard]
    types = []
    for entry in entries:
        envelope = decode(
            topic=OUTREACH_EVENTS.name, key=entry.key, value=entry.value, headers=[], recorded_at=served.clock.now()
        )
        types.append(envelope.type.removesuffix(".v1"))
    return types


async def test_the_path_from_the_failed_payment_to_the_closed_task() -> None:
    served = await Served().start()
    await served.take(failed())
    await served.take(profile())
    await served.move(minutes(8))
    (order,) = served.dialer.book
    call = served.dialer.end(CUSTOMER, order.order_id, CallOutcome.COMPLETED, "pay_link_requested")
    ended = CallEnded(
        call_id=call.call_id,
        idempotency_key=order.order_id,
        outcome=CallOutcome.COMPLETED,
        answered=True,
        choice="pay_link_requested",
    )
    await served.take(ended)
    assert await told(served) == [
        "fact.held",
        "fact.released",
        "task.opened",
        "task.call_ordered",
        "task.call_outcome_recorded",
        "task.closed",
    ]
    assert clocks(await served.kernel.read(CUSTOMER)) == {}
    (task,) = await served.handlers.list_tasks(CUSTOMER)
    assert (task.result, task.fields["last_outcome"]) == ("told_how_to_pay", "completed")


async def test_a_payment_cancels_the_ordered_call() -> None:
    served = await Served().start()
    await served.take(profile())
    await served.take(failed())
    await served.move(minutes(8))
    await served.take(paid())
    assert served.dialer.open_calls(CUSTOMER) == []
    assert (await told(served))[-2:] == ["task.closed", "task.call_outcome_recorded"]


async def test_a_fact_delivered_twice_takes_effect_once() -> None:
    served = await Served().start()
    await served.take(profile())
    assert await served.take(failed(), "the-same") is CommitResult.DONE
    assert await served.take(failed(), "the-same") is CommitResult.SEEN
    assert await served.take(failed("P-2"), "the-same") is CommitResult.REUSED
    assert (await told(served)).count("task.opened") == 1


async def test_a_lost_answer_is_asked_for() -> None:
    served = await Served().start()
    await served.take(profile())
    await served.take(failed())
    await served.move(minutes(8))
    served.dialer.end(CUSTOMER, served.dialer.book[0].order_id, CallOutcome.BUSY)
    await served.move(minutes(5))
    assert (await told(served))[-2:] == ["task.call_outcome_recorded", "task.attempt_scheduled"]


async def test_a_late_process_does_not_start_what_another_took_over() -> None:
    served = await Served().start()
    await served.take(profile())
    await served.take(failed())
    served.clock.moment += minutes(8)
    shard = served.store.shard_of(CUSTOMER)
    (claim,), _ = await served.store.claim(shard, served.clock.now(), timedelta(seconds=30), 10)
    await served.kernel.fire(claim)
    served.clock.moment += timedelta(seconds=6)  # the request must start within five seconds of its commit
    await served.settle()
    assert served.dialer.book == []
    await served.move(minutes(1))
    assert len(served.dialer.book) == 1


def test_interests_follow_the_scenarios() -> None:
    read = interests(shipped_pack())
    assert read["policy-events.v1"].types == {"premium.payment_failed.v1", "premium.payment_succeeded.v1"}
    assert read["customer-profiles.v1"].types == {"customer.profile.v1"}
    assert read["outreach-events.v1"].types == {
        "call.ended.v1",
        "call.cancelled.v1",
        "call.refused.v1",
        "contact.opted_out.v1",
    }
    assert read["outreach-events.v1"].peek
