"""When each call needs attention by itself; derived from the state, so that nothing can be forgotten."""

from datetime import datetime

from common.kernel.attempts import clock as attempt_clock
from services.outbound_dialer.domain.state import Call, DialerState


def clocks(state: DialerState) -> dict[str, datetime]:
    """Call id → when to decide on it again; ended calls need nothing."""
    return {call.call_id: at for call in state.calls.values() if (at := _clock(call)) is not None}


def _clock(call: Call) -> datetime | None:
    if not call.open:
        return None
    if call.undialled:
        return min(call.try_at or call.order.latest, call.order.latest)
    open_attempts = [at for attempt in call.attempts if (at := attempt_clock(attempt)) is not None]
    return min(open_attempts, default=call.fetch_at)
