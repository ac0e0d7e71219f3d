"""The Messages and Calls resources of the carrier's API."""

from datetime import timedelta

from aiohttp import web

from sandbox.api.errors import ApiError, json_response
from sandbox.api.gate import Gate, read_form
from sandbox.api.orders import is_web_address, read_call_order, read_message_order
from sandbox.api.paging import list_page
from sandbox.calling import Calling
from sandbox.carrier import Carrier
from sandbox.customers import Customers
from sandbox.messaging import Messaging
from sandbox.modes import Faults
from sandbox.records import API_VERSION, CALL_ENDS, MESSAGE_ENDS, Call, CallStatus, Message, MessageStatus
from sandbox.twiml import Fetch


class MessagesResource:
    """`/Messages.json` and `/Messages/{sid}.json`."""

    def __init__(self, *, carrier: Carrier, customers: Customers, messaging: Messaging, faults: Faults) -> None:
        self._carrier = carrier
        self._customers = customers
        self._messaging = messaging
        self._faults = faults

    async def create(self, request: web.Request, lied: bool) -> web.Response:
        """Sends a message."""
        form, _ = await read_form(request)
        order = read_message_order(form, self._carrier, self._customers)
        return json_response(self._messaging.accept(order, lied=lied).as_json(), status=201)

    async def list(self, request: web.Request) -> web.Response:
        """Lists messages; filters To, From, DateSent."""
        page = list_page(
            self._carrier.messages,
            noun="messages",
            account_sid=self._carrier.account_sid,
            query=request.query,
            date_field="DateSent",
            lag=timedelta(seconds=self._faults.modes.list_lag_seconds),
        )
        return json_response(page)

    async def fetch(self, request: web.Request) -> web.Response:
        """Shows a message."""
        return json_response(self._find(request).as_json())

    async def update(self, request: web.Request) -> web.Response:
        """Redacts (an empty Body) or cancels (Status=canceled) a message."""
        message = self._find(request)
        form, _ = await read_form(request)
        if form.get("Status") == "canceled":
            if message.status is not MessageStatus.SCHEDULED:
                raise ApiError(30409)
            self._messaging.cancel(message)
        elif form.get("Body") == "":
            if message.status not in MESSAGE_ENDS:
                raise ApiError(20009)
            self._messaging.redact(message)
        else:
            raise ApiError(20001, "Body")
        return json_response(message.as_json())

    async def delete(self, request: web.Request) -> web.Response:
        """Deletes a message that is not under way."""
        message = self._find(request)
        if message.status not in MESSAGE_ENDS:
            raise ApiError(20009)
        self._messaging.delete(message)
        return web.Response(status=204)

    def _find(self, request: web.Request) -> Message:
        message = self._carrier.messages.get(request.match_info["sid"])
        if message is None:
            raise ApiError(20404, request.path)
        return message


class CallsResource:
    """`/Calls.json` and `/Calls/{sid}.json`."""

    def __init__(self, *, carrier: Carrier, customers: Customers, calling: Calling, faults: Faults) -> None:
        self._carrier = carrier
        self._customers = customers
        self._calling = calling
        self._faults = faults

    async def create(self, request: web.Request, lied: bool) -> web.Response:
        """Places a call."""
        form, repeated = await read_form(request)
        order = read_call_order(form, repeated, self._carrier, self._customers)
        return json_response(self._calling.accept(order, lied=lied).as_json(), status=201)

    async def list(self, request: web.Request) -> web.Response:
        """Lists calls; filters To, From, Status, ParentCallSid, StartTime."""
        page = list_page(
            self._carrier.calls,
            noun="calls",
            account_sid=self._carrier.account_sid,
            query=request.query,
            date_field="StartTime",
            lag=timedelta(seconds=self._faults.modes.list_lag_seconds),
        )
        return json_response(page)

    async def fetch(self, request: web.Request) -> web.Response:
        """Shows a call."""
        return json_response(self._find(request).as_json())

    async def update(self, request: web.Request) -> web.Response:
        """Ends a call (Status) or gives it another document (Url or Twiml)."""
        call = self._find(request)
        form, _ = await read_form(request)
        match form.get("Status"):
            case "completed":
                self._calling.hang_up(call)
            case "canceled":
                if call.status in {CallStatus.QUEUED, CallStatus.RINGING}:
                    self._calling.hang_up(call)
            case None:
                self._redirect(call, form)
            case _:
                raise ApiError(20001, "Status")
        return json_response(call.as_json())

    async def delete(self, request: web.Request) -> web.Response:
        """Refuses: records of calls are kept."""
        raise ApiError(20004 if self._find(request).status in CALL_ENDS else 20009)

    def _redirect(self, call: Call, form: dict[str, str]) -> None:
        if call.status is not CallStatus.IN_PROGRESS:
            raise ApiError(21220)
        if "Twiml" in form:
            self._calling.redirect(call, form["Twiml"])
        elif is_web_address(form.get("Url", "")):
            self._calling.redirect(call, Fetch(form["Url"], form.get("Method", "POST"), {}))
        else:
            raise ApiError(21205, form.get("Url", ""))

    def _find(self, request: web.Request) -> Call:
        call = self._carrier.calls.get(request.match_info["sid"])
        if call is None:
            raise ApiError(20404, request.path)
        return call


def add_api(app: web.Application, *, gate: Gate, messages: MessagesResource, calls: CallsResource) -> None:
    """Adds the carrier's addresses."""
    account = f"/{API_VERSION}/Accounts/{{account}}"
    for name, resource in (("Messages", messages), ("Calls", calls)):
        app.router.add_post(f"{account}/{name}.json", gate.creating(resource.create))
        app.router.add_get(f"{account}/{name}.json", gate.reading(resource.list))
        app.router.add_get(f"{account}/{name}/{{sid}}.json", gate.reading(resource.fetch))
        app.router.add_post(f"{account}/{name}/{{sid}}.json", gate.reading(resource.update))
        app.router.add_delete(f"{account}/{name}/{{sid}}.json", gate.reading(resource.delete))
    app.router.add_route("*", f"/{API_VERSION}/{{rest:.*}}", _unknown)


async def _unknown(request: web.Request) -> web.Response:
    return ApiError(20404, request.path).response()
