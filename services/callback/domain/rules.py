"""What a decision is told besides the state and the fact: the rule pack and the timing of calls."""

from dataclasses import dataclass
from datetime import timedelta

from common.packs import Pack


@dataclass(frozen=True, slots=True)
class CallTiming:
    """How the dialer is dealt with, as data.

    Attributes:
        start_within: a request not started this long after its commit is not started at all.
        deadline: the longest a request may take.
        backoff: first pause after a request without an answer; doubles up to `max_backoff`.
        watch_every: how soon a placed order is asked for when the ledger does not tell its outcome; the pauses grow to
            half the order's age, because a call may wait for hours, but not beyond `watch_at_most`.
        wait: how soon a task looks again while another call to the same person goes on.
        window: the longest a call may wait to be dialled.
        min_window: a shorter rest of the calling hours is not used.
    """

    start_within: timedelta = timedelta(seconds=5)
    deadline: timedelta = timedelta(seconds=5)
    backoff: timedelta = timedelta(seconds=2)
    max_backoff: timedelta = timedelta(seconds=60)
    watch_every: timedelta = timedelta(minutes=5)
    watch_at_most: timedelta = timedelta(hours=1)
    wait: timedelta = timedelta(minutes=10)
    window: timedelta = timedelta(hours=12)
    min_window: timedelta = timedelta(minutes=2)


@dataclass(frozen=True, slots=True)
class CallbackRules:
    """The inputs that are the same for every customer."""

    pack: Pack
    timing: CallTiming = CallTiming()
