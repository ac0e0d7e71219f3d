"""Notes in the book what happens to calls, and tells applications."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Final

from sandbox.book import Book
from sandbox.records import API_VERSION, CALL_ENDS, Call, CallStatus, rfc2822
from sandbox.webhooks import Receipt, Webhooks

STATUS_OF_EVENT: Final = {"initiated": "initiated", "ringing": "ringing", "answered": "in-progress"}


class Progress:
    """The one place where a call's status changes.

    Args:
        book: written before anything is told.
        webhooks: carries status callbacks.
    """

    def __init__(self, *, book: Book, webhooks: Webhooks) -> None:
        self._book = book
        self._webhooks = webhooks
        self._told: dict[str, int] = {}  # status callbacks so far, by sid of calls under way

    def become(self, call: Call, status: CallStatus) -> None:
        """Changes the status; an end also tells `completed`, whatever the end is."""
        at = self._book.write("call_status", sid=call.sid, to=call.to, status=status)
        call.status = status
        call.updated = at
        if status is CallStatus.IN_PROGRESS:
            call.started = at
        if status in CALL_ENDS:
            call.ended = at
            self.tell(call, "completed")
            self._told.pop(call.sid, None)

    def detected(self, call: Call, answered_by: str) -> None:
        """Notes who or what answered."""
        call.answered_by = answered_by
        self.note(call, "detected", answered_by=answered_by)

    def note(self, call: Call, kind: str, **fields: object) -> None:
        """Notes something that happened on the line."""
        self._book.write(kind, sid=call.sid, to=call.to, **fields)

    def tell(self, call: Call, event: str) -> None:
        """Posts a status callback, if the application asked for this event."""
        url = call.params.get("StatusCallback")
        number = self._told.get(call.sid, 0)
        if not url or event not in call.events:
            return
        self._told[call.sid] = number + 1
        params = call_params(call)
        params["CallStatus"] = STATUS_OF_EVENT.get(event, str(call.status))
        params["Timestamp"] = rfc2822(datetime.now(UTC)) or ""
        params["CallbackSource"] = "call-progress-events"
        params["SequenceNumber"] = str(number)
        if event == "completed":
            params["CallDuration"] = str(call.duration_seconds)
            params["Duration"] = str(-(-call.duration_seconds // 60))
        method = call.params.get("StatusCallbackMethod", "POST")
        self._webhooks.report(Receipt(call.sid, call.to, event, url, params, method))

    def tell_detection(self, call: Call, answered_by: str, seconds: float) -> None:
        """Posts the result of asynchronous machine detection, if the application asked for it."""
        url = call.params.get("AsyncAmdStatusCallback")
        if not url:
            return
        params = {
            "AccountSid": call.account_sid,
            "AnsweredBy": answered_by,
            "CallSid": call.sid,
            "MachineDetectionDuration": str(round(seconds * 1000)),
        }
        method = call.params.get("AsyncAmdStatusCallbackMethod", "POST")
        self._webhooks.report(Receipt(call.sid, call.to, "amd", url, params, method))

    async def ask(self, call: Call, url: str, method: str, params: Mapping[str, str]) -> str:
        """Asks the application for TwiML.

        Raises:
            WebhookFailed: there is none.
        """
        return await self._webhooks.fetch(url, method, {**call_params(call), **params})


def call_params(call: Call) -> dict[str, str]:
    """What every webhook of a call says."""
    params = {
        "AccountSid": call.account_sid,
        "ApiVersion": API_VERSION,
        "CallSid": call.sid,
        "CallStatus": str(call.status),
        "Called": call.to,
        "Caller": call.from_,
        "Direction": call.direction,
        "From": call.from_,
        "To": call.to,
    }
    if call.answered_by:
        params["AnsweredBy"] = call.answered_by
    if call.parent_call_sid:
        params["ParentCallSid"] = call.parent_call_sid
    return params
