"""Times a provider request and counts how it came out, in one `with` statement."""

from collections.abc import Iterator
from contextlib import contextmanager
from time import perf_counter

from common.errors import OutcomeUnknown, PermanentError, TransientError
from common.observability.metrics import Metrics, SendOutcome


@contextmanager
def provider_call(metrics: Metrics, provider: str, operation: str, *, sends_on: str = "") -> Iterator[None]:
    """Observes the request made inside the block, whatever becomes of it.

    Args:
        metrics: where it is counted.
        provider: its name, e.g. `twilio`.
        operation: short constant name, e.g. `find`.
        sends_on: the channel, if the request is the one that a reserved attempt allows.
    """
    began = perf_counter()
    outcome: SendOutcome | None = None
    try:
        yield
        outcome = SendOutcome.ACCEPTED
    except TransientError:
        outcome = SendOutcome.REFUSED
        raise
    except PermanentError:
        outcome = SendOutcome.FAILED
        raise
    except OutcomeUnknown:
        outcome = SendOutcome.UNKNOWN
        raise
    finally:
        metrics.provider_request(provider, operation, perf_counter() - began)
        if sends_on and outcome is not None:
            metrics.sent(sends_on, provider, outcome)
