"""The voice gateway at the carrier sandbox, call by call."""

from datetime import UTC, datetime, timedelta

import pytest

from common.errors import PermanentError
from common.observability.metrics import Metrics
from common.twilio.http_client import twilio_client
from services.outbound_dialer.adapters.twilio_voice import STATUSES, TwilioSession, TwilioVoiceGateway, news_of
from services.outbound_dialer.domain.effects import Found, NotFound, ProviderStatus
from services.outbound_dialer.ports import CallUrls
from tests.support.polling import eventually_async

NOWHERE = "http://127.0.0.1:9/nothing"
URLS = CallUrls(answer=f"{NOWHERE}/answer", status=f"{NOWHERE}/status", machine=f"{NOWHERE}/machine")
BY_HAND = "+12025550299"


@pytest.fixture
async def gateway(sandbox):
    http = TwilioSession()
    client = twilio_client(
        session=http.session,
        account_sid=sandbox.account_sid,
        auth_token=sandbox.auth_token,
        base_url=sandbox.url,
        deadline=timedelta(seconds=5),
    )
    yield TwilioVoiceGateway(client, "+12025550199", Metrics("dialer"), detect_machines=True)
    await http.stop()


async def placed(gateway, number=BY_HAND) -> str:
    call = await gateway.place(phone_number=number, urls=URLS, ring=timedelta(seconds=25), talk=timedelta(minutes=5))
    return call.provider_call_sid


async def test_what_the_carrier_is_asked(gateway, sandbox):
    await placed(gateway)
    [entry] = sandbox.book("call")
    params = entry["params"]
    assert (params["Url"], params["StatusCallback"]) == (URLS.answer, URLS.status)
    assert (params["Timeout"], params["TimeLimit"]) == ("25", "300")
    assert (params["MachineDetection"], params["AsyncAmd"]) == ("Enable", "true")
    assert params["AsyncAmdStatusCallback"] == URLS.machine
    assert entry["events"] == ["initiated", "ringing", "answered", "completed"]


async def test_a_call_is_found_by_number_and_time_but_not_if_it_is_known(gateway):
    began = datetime.now(UTC)
    first, second = await placed(gateway), await placed(gateway)
    found = await gateway.find(phone_number=BY_HAND, since=began, known_sids=())
    later = await gateway.find(phone_number=BY_HAND, since=began, known_sids=(found.news.provider_call_sid,))
    none = await gateway.find(phone_number=BY_HAND, since=began, known_sids=(first, second))
    too_late = await gateway.find(phone_number=BY_HAND, since=began + timedelta(minutes=1), known_sids=())
    other = await gateway.find(phone_number="+12025550298", since=began, known_sids=())
    assert {found.news.provider_call_sid, later.news.provider_call_sid} == {first, second}
    assert (none, too_late, other) == (NotFound(), NotFound(), NotFound())


async def test_hanging_up_ends_a_call_and_may_be_repeated(gateway):
    sid = await placed(gateway)

    async def rings():
        return (await gateway.fetch(sid)).news.status is ProviderStatus.RINGING

    await eventually_async(rings)
    await gateway.hang_up(sid)

    async def over():
        return (await gateway.fetch(sid)).news.status not in {ProviderStatus.RINGING, ProviderStatus.QUEUED}

    await eventually_async(over)
    await gateway.hang_up(sid)


async def test_refusals(gateway):
    with pytest.raises(PermanentError, match="number_invalid"):
        await placed(gateway, "+12025550198")
    with pytest.raises(PermanentError, match="provider_not_found"):
        await gateway.fetch("CA" + "0" * 32)


@pytest.mark.parametrize(("word", "status"), STATUSES.items())
def test_the_carriers_words(word, status):
    news = news_of("CA1", word, duration="42", answered_by="fax", error_code="13224")
    assert Found(news).news.status is status
    assert (news.duration, news.machine, news.error_code) == (timedelta(seconds=42), "fax", "13224")


def test_words_that_are_not_known_move_nothing():
    news = news_of("CA1", "invented", duration="-", answered_by="human", error_code="x")
    assert (news.status, news.machine, news.error_code, news.duration) == (
        ProviderStatus.QUEUED,
        "",
        "",
        timedelta(0),
    )
