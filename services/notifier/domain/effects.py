"""What the notifier asks its SMS provider to do, and what it may hear back."""

from dataclasses import dataclass
from datetime import datetime

from common.kernel.decision import Effect


@dataclass(frozen=True, slots=True)
class SendSms(Effect):
    """Hand one message to the provider.

    Attributes:
        to: E.164.
        text: whole text with signature.
    """

    to: str
    text: str


@dataclass(frozen=True, slots=True)
class FindSms(Effect):
    """Look for a message whose outcome is unknown.

    Attributes:
        since: not older than this.
        not_these: provider ids that belong to other attempts.
    """

    to: str
    text: str
    since: datetime
    not_these: frozenset[str]


@dataclass(frozen=True, slots=True)
class FetchSms(Effect):
    """Ask for the status of a message whose receipt is missing."""

    provider_sid: str


@dataclass(frozen=True, slots=True)
class MessageSeen:
    """A message as the provider has it.

    Attributes:
        status: the provider-neutral receipt, see `receipts.Receipt`.
        error_code: the provider's, if it failed.
    """

    provider_sid: str
    status: str
    error_code: str | None = None


@dataclass(frozen=True, slots=True)
class NothingFound:
    """The provider's list does not show it; what that proves depends on when the look-up began."""

    asked_at: datetime
