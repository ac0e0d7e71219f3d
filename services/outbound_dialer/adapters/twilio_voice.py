"""The `VoiceGateway` on Twilio's Voice API, by the official SDK."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any

from aiohttp import ClientSession
from twilio.rest import Client

from common.events.vocabulary import Channel
from common.observability.metrics import Metrics
from common.observability.provider_calls import provider_call
from common.twilio.http_client import open_session
from services.outbound_dialer.domain.effects import Found, NotFound, Placed, ProviderNews, ProviderStatus
from services.outbound_dialer.ports import CallUrls

PROVIDER = "twilio"
LIST_LIMIT = 200
"""Calls to one number within the settle time; more than that would be a flood of its own."""
CLOCK_SLACK = timedelta(seconds=2)
"""Twilio tells creation times in whole seconds of its own clock."""
MIN_SECONDS = 1
EVENTS = ["initiated", "ringing", "answered", "completed"]

STATUSES = MappingProxyType(
    {
        "queued": ProviderStatus.QUEUED,
        "initiated": ProviderStatus.QUEUED,
        "ringing": ProviderStatus.RINGING,
        "in-progress": ProviderStatus.IN_PROGRESS,
        "completed": ProviderStatus.COMPLETED,
        "busy": ProviderStatus.BUSY,
        "no-answer": ProviderStatus.NO_ANSWER,
        "failed": ProviderStatus.FAILED,
        "canceled": ProviderStatus.CANCELED,
    }
)
"""Twilio's words → ours (https://www.twilio.com/docs/voice/api/call-resource#call-status-values)."""
MACHINES = frozenset({"machine_start", "machine_end_beep", "machine_end_silence", "machine_end_other", "fax"})
"""Values of AnsweredBy that mean nobody listens (https://www.twilio.com/docs/voice/answering-machine-detection)."""


class TwilioVoiceGateway:
    """See `VoiceGateway`; each call is one HTTP request with the client's deadline."""

    def __init__(self, client: Client, caller_number: str, metrics: Metrics, *, detect_machines: bool) -> None:
        self._client = client
        self._calls: Any = client.calls
        self._caller_number = caller_number
        self._metrics = metrics
        # In the background: the customer must not wait in silence for the verdict (2-second rule).
        self._detection = {"machine_detection": "Enable", "async_amd": "true"} if detect_machines else {}

    async def place(self, *, phone_number: str, urls: CallUrls, ring: timedelta, talk: timedelta) -> Placed:
        """See `VoiceGateway`."""
        detection = {**self._detection, "async_amd_status_callback": urls.machine} if self._detection else {}
        with provider_call(self._metrics, PROVIDER, "place", sends_on=Channel.VOICE):
            call = await self._calls.create_async(
                to=phone_number,
                from_=self._caller_number,
                url=urls.answer,
                status_callback=urls.status,
                status_callback_event=EVENTS,
                timeout=_seconds(ring),
                time_limit=_seconds(talk),
                **detection,
            )
        return Placed(call.sid)

    async def find(self, *, phone_number: str, since: datetime, known_sids: Sequence[str]) -> Found | NotFound:
        """See `VoiceGateway`."""
        # Not filtered by time at Twilio: its filter is the start of talking, which a ringing call has not got yet.
        with provider_call(self._metrics, PROVIDER, "find"):
            listed = await self._calls.list_async(to=phone_number, from_=self._caller_number, limit=LIST_LIMIT)
        earliest = since - CLOCK_SLACK
        ours = [call for call in listed if call.sid not in known_sids and (call.date_created or since) >= earliest]
        if not ours:
            return NotFound()
        return Found(_news(min(ours, key=lambda call: call.date_created or since)))

    async def fetch(self, provider_call_sid: str) -> Found:
        """See `VoiceGateway`."""
        with provider_call(self._metrics, PROVIDER, "fetch"):
            return Found(_news(await self._client.calls(provider_call_sid).fetch_async()))

    async def hang_up(self, provider_call_sid: str) -> None:
        """See `VoiceGateway`."""
        with provider_call(self._metrics, PROVIDER, "hang_up"):
            await self._client.calls(provider_call_sid).update_async(status="completed")


def _news(call: Any) -> ProviderNews:
    return news_of(call.sid, call.status, duration=str(call.duration or ""), answered_by=call.answered_by or "")


def news_in(form: Mapping[str, str], status: str) -> ProviderNews:
    """What a webhook's fields say, given the status it stands for."""
    return news_of(
        form["CallSid"],
        status,
        duration=form.get("CallDuration", ""),
        answered_by=form.get("AnsweredBy", ""),
        error_code=form.get("ErrorCode", ""),
    )


def news_of(sid: str, status: str, *, duration: str = "", answered_by: str = "", error_code: str = "") -> ProviderNews:
    """Twilio's words in ours; a status it may add one day counts as `queued`, which moves nothing."""
    return ProviderNews(
        provider_call_sid=sid,
        status=STATUSES.get(status, ProviderStatus.QUEUED),
        duration=timedelta(seconds=int(duration)) if duration.isdecimal() else timedelta(0),
        machine=answered_by if answered_by in MACHINES else "",
        error_code=error_code if error_code.isdecimal() else "",
    )


def _seconds(duration: timedelta) -> int:
    return max(round(duration.total_seconds()), MIN_SECONDS)


class TwilioSession:
    """The HTTP session behind the gateway, closed when the service stops."""

    def __init__(self) -> None:
        self.session: ClientSession = open_session()

    async def start(self) -> None:
        """Nothing: the session connects when it is used."""

    async def stop(self) -> None:
        """Closes all connections."""
        await self.session.close()
