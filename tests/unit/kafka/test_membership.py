"""When a process counts as forgotten by its group."""

from datetime import UTC, datetime, timedelta

import pytest

from common.errors import TransientError
from common.kafka.membership import PAUSE, Membership

AWAY = "away"
SESSION = timedelta(seconds=6)
ROUNDS = SESSION * 10 // PAUSE


class Group:
    """What the broker answers, and a clock that moves by a pause with each answer."""

    def __init__(self) -> None:
        self.answer: object = ()
        self.at = datetime(2026, 3, 1, tzinfo=UTC)
        self.lost: list[str] = []

    def now(self) -> datetime:
        return self.at

    async def clients(self):
        self.at += PAUSE
        if self.answer == AWAY:
            raise TransientError("log_unavailable")
        return self.answer


@pytest.fixture
def group() -> Group:
    return Group()


@pytest.fixture
def membership(group: Group) -> Membership:
    return Membership(
        clients=group.clients, client_id="notifier-1", session_timeout=SESSION, clock=group, lost=group.lost.append
    )


async def rounds(membership: Membership, group: Group, answer: object, number: int) -> None:
    group.answer = answer
    for _ in range(number):
        await membership.round()


async def test_a_member_stays(membership: Membership, group: Group) -> None:
    await rounds(membership, group, {"notifier-1", "notifier-2"}, 3 * ROUNDS)
    assert not group.lost


async def test_missing_for_ten_sessions_is_forgotten(membership: Membership, group: Group) -> None:
    await rounds(membership, group, {"notifier-2"}, ROUNDS)
    assert not group.lost
    await rounds(membership, group, {"notifier-2"}, 1)
    assert group.lost == ["forgotten_by_consumer_group"]


@pytest.mark.parametrize("between", [{"notifier-1"}, AWAY])
async def test_rebalances_and_outages_do_not_add_up(membership: Membership, group: Group, between: object) -> None:
    for _ in range(5):
        await rounds(membership, group, {"notifier-2"}, ROUNDS)
        await rounds(membership, group, between, 1)
    assert not group.lost
