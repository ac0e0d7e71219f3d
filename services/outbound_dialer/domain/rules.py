"""The rules and figures that decisions about calls rest on."""

from dataclasses import dataclass, field
from datetime import timedelta

from common.kernel.attempts import AttemptTiming
from common.packs.pack import Pack

OPT_OUT_MEANING = "opted_out"
"""The meaning that call flows give to the key that refuses further calls."""


@dataclass(frozen=True, slots=True)
class DialLimits:
    """Figures of dialling that no jurisdiction sets.

    The bounds on what is kept leave the largest possible document below what the kernel accepts (64 KiB); a test
    builds that document.

    Attributes:
        max_open_calls: open calls of one customer; more are refused.
        max_kept_calls: ended calls kept for questions and repeated orders.
        keep_calls_for: ended calls older than this are forgotten.
        max_window: how far ahead `latest` may lie.
        slot_patience: how long the answer of the calls-per-second limiter is awaited before asking again.
        slot_stale: a slot not used within this time after its moment has gone to waste.
        backoff: first pause after the provider or the limiter said "not now"; doubles each time.
        max_backoff: the longest such pause.
        max_never_sent: attempts found never to have been sent before the call is given up.
        ring: how long the phone rings; the domain raises it to what a jurisdiction asks.
        talk: the longest call; the provider ends it then.
        grace: how long after ringing must be over a missing status is asked for.
        fetch_every: how long an answered call may be silent before its status is asked for, again and again.
        rules_recheck: how soon rules that could not be found are looked for again.
        keep_contacts_for: how far back frequency caps can look.
        max_contacts: contacts remembered at most.
    """

    max_open_calls: int = 8
    max_kept_calls: int = 20
    keep_calls_for: timedelta = timedelta(days=30)
    max_window: timedelta = timedelta(days=7)
    slot_patience: timedelta = timedelta(seconds=5)
    slot_stale: timedelta = timedelta(seconds=2)
    backoff: timedelta = timedelta(seconds=1)
    max_backoff: timedelta = timedelta(seconds=60)
    max_never_sent: int = 5
    ring: timedelta = timedelta(seconds=25)
    talk: timedelta = timedelta(minutes=10)
    grace: timedelta = timedelta(seconds=30)
    fetch_every: timedelta = timedelta(seconds=60)
    rules_recheck: timedelta = timedelta(minutes=10)
    keep_contacts_for: timedelta = timedelta(days=30)
    max_contacts: int = 40


@dataclass(frozen=True, slots=True)
class DialRules:
    """Everything a decision may ask besides the state: the rule pack in force, the provider and the figures."""

    pack: Pack
    provider: str = "twilio"
    timing: AttemptTiming = field(default_factory=AttemptTiming)
    limits: DialLimits = field(default_factory=DialLimits)
