"""What each answer of the carrier means for the caller."""

from datetime import timedelta

import pytest

from common.errors import OutcomeUnknown, PermanentError, TransientError
from common.twilio.errors import PROVIDER_CODES, Handling, error_for


@pytest.mark.parametrize(
    ("status", "provider_code", "writes", "kind", "code"),
    [
        (429, 20429, True, TransientError, "too_many_requests"),
        (429, None, True, TransientError, "too_many_requests"),
        (400, 21611, True, TransientError, "sender_queue_full"),
        (401, 20003, True, TransientError, "authentication_failed"),
        (401, None, True, TransientError, "authentication_failed"),
        (400, 21211, True, PermanentError, "number_invalid"),
        (400, 21610, True, PermanentError, "recipient_unsubscribed"),
        (404, 20404, False, PermanentError, "provider_not_found"),
        (404, None, False, PermanentError, "provider_not_found"),
        (418, 99999, True, PermanentError, "provider_refused"),
        (500, 20500, True, OutcomeUnknown, "provider_failed"),
        (503, None, True, OutcomeUnknown, "provider_failed"),
        (408, None, True, OutcomeUnknown, "provider_failed"),
        (503, None, False, TransientError, "provider_failed"),
    ],
)
def test_status_and_code_give_one_error(status, provider_code, writes, kind, code):
    error = error_for(status=status, provider_code=provider_code, writes=writes)
    assert type(error) is kind
    assert error.code == code


def test_the_carriers_wish_to_wait_is_kept():
    error = error_for(status=429, provider_code=20429, writes=True, retry_after=timedelta(seconds=7))
    assert isinstance(error, TransientError)
    assert error.retry_after == timedelta(seconds=7)


def test_only_documented_refusals_are_retried():
    retried = {code for code, row in PROVIDER_CODES.items() if row.handling is Handling.RETRY}
    assert retried == {20429, 21611, 63017}
