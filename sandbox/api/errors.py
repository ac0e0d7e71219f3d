"""Refusals in the carrier's shape: code, message, more_info, status."""

from typing import Final

import orjson
from aiohttp import web

# HTTP status and sentence by code, as https://www.twilio.com/docs/api/errors lists them.
REFUSALS: Final[dict[int, tuple[int, str]]] = {
    20001: (400, "Invalid parameter {0}"),
    20003: (401, "Authenticate"),
    20004: (405, "Method not allowed"),
    20009: (409, "Cannot delete this resource: it is still in progress"),
    20404: (404, "The requested resource {0} was not found"),
    20429: (429, "Too Many Requests"),
    20500: (500, "An internal server error has occurred"),
    20503: (503, "Service is temporarily unavailable"),
    21201: (400, "No 'To' number is specified"),
    21205: (400, "Url parameter is required and must be a valid URL: {0}"),
    21210: (400, "'From' phone number not verified: {0}"),
    21211: (400, "Invalid 'To' Phone Number: {0}"),
    21212: (400, "Invalid From Number (caller ID): {0}"),
    21213: (400, "A 'From' phone number is required."),
    21220: (400, "Call is not in-progress. Cannot redirect."),
    21266: (400, "'To' and 'From' number cannot be the same: {0}"),
    21408: (400, "Permission to send an SMS has not been enabled for the region indicated by the 'To' number: {0}"),
    21602: (400, "Message body is required."),
    21603: (400, "A 'From' phone number is required."),
    21604: (400, "A 'To' phone number is required."),
    21606: (400, "The 'From' phone number {0} is not a valid, message-capable phone number"),
    21609: (400, "The 'StatusCallback' URL {0} is not a valid URL."),
    21610: (400, "Attempt to send to unsubscribed recipient"),
    21611: (400, "This 'From' number has exceeded the maximum number of queued messages: {0}"),
    21612: (400, "The 'To' phone number: {0}, is not currently reachable using the 'From' phone number"),
    21614: (400, "'To' number: {0}, is not a valid mobile number"),
    21617: (400, "The concatenated message body exceeds the 1600 character limit"),
    30409: (400, "This message cannot be canceled"),
    35114: (400, "Parameter SendAt is missing or not a time in ISO 8601"),
    35117: (400, "SendAt time must be between 300 seconds and 35 days in the future"),
    35118: (400, "MessagingServiceSid is required to schedule a message"),
    35126: (400, "ScheduleType must be 'fixed'"),
}


class ApiError(Exception):
    """The API refuses a request.

    Args:
        code: a key of `REFUSALS`; others become a plain 400.
        detail: fills the sentence; shown to the asker only.
    """

    def __init__(self, code: int, detail: str = "") -> None:
        self.status, sentence = REFUSALS.get(code, (400, "Refused"))
        super().__init__(sentence.format(detail))
        self.code = code

    def response(self) -> web.Response:
        """The answer to send."""
        body = {
            "code": self.code,
            "message": str(self),
            "more_info": f"https://www.twilio.com/docs/errors/{self.code}",
            "status": self.status,
        }
        headers = {"WWW-Authenticate": 'Basic realm="Twilio API"'} if self.status == 401 else None  # noqa: PLR2004
        return json_response(body, status=self.status, headers=headers)


def json_response(body: object, *, status: int = 200, headers: dict[str, str] | None = None) -> web.Response:
    """Any JSON answer."""
    return web.Response(body=orjson.dumps(body), status=status, headers=headers, content_type="application/json")
