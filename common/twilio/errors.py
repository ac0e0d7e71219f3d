"""Twilio's error codes as data, and what each means for the caller.

The table serves two readers: the REST client (what to raise) and the status webhooks, whose `ErrorCode` uses the
same numbers. Sources are Twilio's error pages; a code without a page that could be read is marked so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from http import HTTPStatus
from types import MappingProxyType

from common.errors import AppError, OutcomeUnknown, PermanentError, TransientError

BACKOFF = timedelta(seconds=1)
"""After a 429 that names no Retry-After."""
OPERATOR_BACKOFF = timedelta(minutes=1)
"""While an operator must act (wrong credentials): often enough to go on soon, rare enough not to be locked out."""


class Handling(StrEnum):
    """What the caller does about a provider code."""

    RETRY = "retry"
    """Certainly not processed: back off and ask again; no attempt is counted."""
    PERMANENT = "permanent"
    """This recipient or content can never work on this channel."""
    SUPPRESS = "suppress"
    """As permanent, and the recipient asked not to be contacted this way."""
    STOP_CHANNEL = "stop_channel"
    """Our account or sender is at fault: nothing was processed, an operator must act."""
    LATER = "later"
    """Reported after acceptance: this attempt failed, another in some hours may work."""


@dataclass(frozen=True, slots=True)
class ProviderCode:
    """One row of the table: Twilio's number, our constant name, what to do."""

    code: int
    name: str
    handling: Handling
    source: str = "unverified"


_DOCS = "https://www.twilio.com/docs/errors/"
_WIKI = "github.com/TundraSoft/tundra-connect wiki"

PROVIDER_CODES = MappingProxyType(
    {
        row.code: row
        for row in (
            ProviderCode(20003, "authentication_failed", Handling.STOP_CHANNEL, _DOCS + "20003"),
            ProviderCode(20404, "provider_not_found", Handling.PERMANENT),
            ProviderCode(20429, "too_many_requests", Handling.RETRY, _DOCS + "20429"),
            ProviderCode(21210, "caller_id_not_verified", Handling.STOP_CHANNEL),
            ProviderCode(21211, "number_invalid", Handling.PERMANENT, _WIKI),
            ProviderCode(21214, "number_unreachable", Handling.PERMANENT),
            ProviderCode(21215, "region_not_permitted", Handling.PERMANENT),
            ProviderCode(21216, "number_not_allowed", Handling.PERMANENT),
            ProviderCode(21217, "number_invalid", Handling.PERMANENT),
            ProviderCode(21219, "number_not_verified", Handling.PERMANENT),
            ProviderCode(21610, "recipient_unsubscribed", Handling.SUPPRESS, _WIKI),
            ProviderCode(21611, "sender_queue_full", Handling.RETRY, _DOCS + "21611"),
            ProviderCode(21612, "number_unroutable", Handling.PERMANENT, _WIKI),
            ProviderCode(21614, "number_not_mobile", Handling.PERMANENT, _WIKI),
            ProviderCode(21617, "text_too_long", Handling.PERMANENT),
            ProviderCode(21635, "number_is_landline", Handling.PERMANENT, _DOCS + "21635"),
            ProviderCode(30001, "provider_queue_overflow", Handling.LATER, _DOCS + "30001"),
            ProviderCode(30003, "handset_unreachable", Handling.LATER, _DOCS + "30003"),
            ProviderCode(30004, "blocked", Handling.PERMANENT),
            ProviderCode(30005, "handset_unknown", Handling.PERMANENT),
            ProviderCode(30006, "landline_or_unreachable_carrier", Handling.PERMANENT, _DOCS + "30006"),
            ProviderCode(30007, "carrier_filtered", Handling.STOP_CHANNEL),
            ProviderCode(30008, "unknown_delivery_error", Handling.LATER),
            ProviderCode(30034, "sender_unregistered", Handling.STOP_CHANNEL),
            ProviderCode(63017, "account_rate_exceeded", Handling.RETRY),
        )
    }
)

REFUSED = ProviderCode(0, "provider_refused", Handling.PERMANENT)
UNLISTED: Mapping[int, ProviderCode] = MappingProxyType(
    {
        HTTPStatus.UNAUTHORIZED: ProviderCode(0, "authentication_failed", Handling.STOP_CHANNEL),
        HTTPStatus.NOT_FOUND: ProviderCode(0, "provider_not_found", Handling.PERMANENT),
    }
)
"""What an answer without a known code means, by its status; anything else is REFUSED."""


def error_for(
    *, status: int, provider_code: int | None, writes: bool, retry_after: timedelta | None = None
) -> AppError:
    """The error to raise for an HTTP answer of 300 or more.

    A 5xx after a write is `OutcomeUnknown`: only a 429 is documented as never processed
    (https://www.twilio.com/docs/errors/20429). A read has no effect, so it may simply be tried again.

    Args:
        status: the HTTP status.
        provider_code: Twilio's `code` from the body, None when the body holds none.
        writes: whether the request could have had an effect.
        retry_after: the Retry-After header, if there was one.
    """
    context = {"status": status, "provider_code": provider_code}
    wait = retry_after or BACKOFF
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return TransientError("too_many_requests", retry_after=wait, **context)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == HTTPStatus.REQUEST_TIMEOUT:
        unclear = OutcomeUnknown("provider_failed", **context)
        return unclear if writes else TransientError("provider_failed", retry_after=wait, **context)
    row = PROVIDER_CODES.get(provider_code or 0) or UNLISTED.get(status, REFUSED)
    if row.handling is Handling.STOP_CHANNEL:
        return TransientError(row.name, retry_after=OPERATOR_BACKOFF, **context)
    if row.handling in {Handling.RETRY, Handling.LATER}:
        return TransientError(row.name, retry_after=wait, **context)
    return PermanentError(row.name, **context)
