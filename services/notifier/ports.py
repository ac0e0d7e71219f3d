"""The notifier's outbound ports."""

from datetime import datetime
from typing import Protocol

from services.notifier.domain.effects import MessageSeen, NothingFound


class SmsGateway(Protocol):
    """An SMS provider.

    Every method takes at most the provider's deadline and raises:
        TransientError: certainly not processed (429, refused connection), or a read that failed.
        OutcomeUnknown: only `send`: nobody can say whether it was processed.
        PermanentError: refused for good.
    """

    async def send(self, *, to: str, text: str, status_url: str) -> MessageSeen:
        """Hands over one message. Not idempotent: never call it twice for one attempt.

        Args:
            to: E.164.
            status_url: where the provider reports status changes of this attempt.
        """

    async def find(
        self, *, to: str, text: str, since: datetime, not_these: frozenset[str]
    ) -> MessageSeen | NothingFound:
        """The oldest message of this number and text since then that is none of those; the list may lag."""

    async def fetch(self, provider_sid: str) -> MessageSeen:
        """The message's present status."""
