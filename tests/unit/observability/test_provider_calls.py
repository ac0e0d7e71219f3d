"""A provider request is timed and counted whatever becomes of it."""

from contextlib import nullcontext

import pytest

from common.errors import AppError, OutcomeUnknown, PermanentError, TransientError
from common.observability.metrics import Metrics
from common.observability.provider_calls import provider_call


def lines(metrics: Metrics) -> list[str]:
    return metrics.exposition()[1].decode().splitlines()


@pytest.mark.parametrize(
    ("error", "outcome"),
    [
        (None, "accepted"),
        (TransientError("too_many_requests"), "refused"),
        (PermanentError("number_invalid"), "failed"),
        (OutcomeUnknown("provider_timeout"), "unknown"),
    ],
)
def test_a_send_is_counted_by_its_outcome(error: AppError | None, outcome: str) -> None:
    metrics = Metrics("notifier")
    with (
        pytest.raises(type(error)) if error else nullcontext(),
        provider_call(metrics, "twilio", "send", sends_on="sms"),
    ):
        if error:
            raise error
    assert f'nineconnect_sends_total{{channel="sms",outcome="{outcome}",provider="twilio"}} 1.0' in lines(metrics)
    assert 'nineconnect_provider_seconds_count{operation="send",provider="twilio"} 1.0' in lines(metrics)


def test_a_question_is_timed_and_is_no_send() -> None:
    metrics = Metrics("notifier")
    with provider_call(metrics, "twilio", "find"):
        pass
    assert 'nineconnect_provider_seconds_count{operation="find",provider="twilio"} 1.0' in lines(metrics)
    assert not [line for line in lines(metrics) if line.startswith("nineconnect_sends_total{")]
