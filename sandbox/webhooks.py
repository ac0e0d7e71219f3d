"""Posts signed webhooks: status callbacks, which may be lost, doubled or late, and requests for TwiML."""

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlencode

from sandbox.book import Book
from sandbox.http_client import Answer, HttpClient, Unanswered
from sandbox.modes import Faults
from sandbox.records import new_sid
from sandbox.signing import signature

DOCUMENT_ATTEMPTS: Final = 2  # the real carrier asks once more for TwiML when a connection fails
RETRY_DELAYS_SECONDS: Final = (0.5, 1.0, 2.0, 4.0)  # real seconds; the last one repeats
RETRIED_STATUSES: Final = frozenset({429, 500, 502, 503, 504})
NO_ANSWER: Final = 0
OK: Final = 200


class WebhookFailed(Exception):
    """The application gave no usable answer.

    Args:
        status: the HTTP status, 0 when there was no answer at all.
    """

    def __init__(self, status: int) -> None:
        super().__init__(f"the application answered {status}" if status else "the application did not answer")
        self.status = status


@dataclass(frozen=True)
class Receipt:
    """One status callback.

    Args:
        sid: the message or call that it is about.
        to: the customer's number.
        event: the status or event told.
        url: where it goes.
        params: what it says.
        method: POST, or GET if the application asked for that.
    """

    sid: str
    to: str
    event: str
    url: str
    params: Mapping[str, str]
    method: str = "POST"


class Webhooks:
    """Sends webhooks in the background and notes in the book what became of them.

    Args:
        client: carries them.
        auth_token: what webhooks are signed with.
        book: gets one `webhook` entry for each status callback, when it is through or given up.
        faults: decides which status callbacks are lost, doubled or held back.
        attempts: posts of one status callback at most.
    """

    def __init__(self, *, client: HttpClient, auth_token: str, book: Book, faults: Faults, attempts: int) -> None:
        self._client = client
        self._auth_token = auth_token
        self._book = book
        self._faults = faults
        self._attempts = attempts
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def under_way(self) -> int:
        """How many status callbacks are still to be posted."""
        return len(self._tasks)

    def report(self, receipt: Receipt) -> None:
        """Posts a status callback in the background, unless the modes have it lost."""
        modes = self._faults.modes
        if self._faults.happens(modes.receipts_missing):
            self._note(receipt, NO_ANSWER, attempts=0, fault="missing")
            return
        held = self._faults.happens(modes.receipts_reordered)
        delay = modes.receipts_held_seconds if held else 0.0
        self.spawn(self._deliver(receipt, delay, "reordered" if held else None))
        if self._faults.happens(modes.receipts_doubled):
            self.spawn(self._deliver(receipt, delay, "doubled"))

    def spawn(self, work: Coroutine[object, object, None]) -> None:
        """Runs work that nobody waits for; `close` ends it."""
        task = asyncio.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def fetch(self, url: str, method: str, params: Mapping[str, str]) -> str:
        """Asks the application for a document.

        Raises:
            WebhookFailed: no answer, or a status other than 2xx, at every attempt.
        """
        failed = WebhookFailed(NO_ANSWER)
        token = new_sid("")
        for _ in range(DOCUMENT_ATTEMPTS):
            try:
                answer = await self._request(url, method, params, token)
            except Unanswered:
                continue
            if OK <= answer.status < OK + 100:
                return answer.text
            failed = WebhookFailed(answer.status)
        raise failed

    async def close(self) -> None:
        """Gives up what is under way."""
        for task in tuple(self._tasks):
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _deliver(self, receipt: Receipt, delay_seconds: float, fault: str | None) -> None:
        if delay_seconds:
            await asyncio.sleep(delay_seconds)
        token = new_sid("")
        status = NO_ANSWER
        for attempt in range(1, self._attempts + 1):
            try:
                status = (await self._request(receipt.url, receipt.method, receipt.params, token)).status
            except Unanswered:
                status = NO_ANSWER
            if status != NO_ANSWER and status not in RETRIED_STATUSES:
                break
            if attempt < self._attempts:
                await asyncio.sleep(RETRY_DELAYS_SECONDS[min(attempt, len(RETRY_DELAYS_SECONDS)) - 1])
        self._note(receipt, status, attempts=attempt, fault=fault)

    async def _request(self, url: str, method: str, params: Mapping[str, str], token: str) -> Answer:
        if method == "GET":
            if params:
                url += ("&" if "?" in url else "?") + urlencode(params)
            params = {}
        headers = {
            "Content-Type": "application/x-www-form-urlencoded; charset=utf-8",
            "X-Twilio-Signature": signature(self._auth_token, url, params),
            "I-Twilio-Idempotency-Token": token,
            "User-Agent": "TwilioProxy/1.1",
            "Accept": "*/*",
        }
        return await self._client.request(method, url, headers, urlencode(params).encode())

    def _note(self, receipt: Receipt, status: int, *, attempts: int, fault: str | None) -> None:
        self._book.write(
            "webhook",
            sid=receipt.sid,
            to=receipt.to,
            event=receipt.event,
            http_status=status,
            attempts=attempts,
            fault=fault,
        )
