"""The carrier's webhooks: only signed ones count, and nothing that comes in can be read in a log."""

from dataclasses import dataclass
from urllib.parse import urlencode
from xml.etree import ElementTree as ET

import aiohttp
import pytest
from yarl import URL

from common.errors import TransientError
from common.twilio.signature import SIGNATURE_HEADER, signature_of
from services.outbound_dialer.domain.lifecycle import CallStatus
from services.outbound_dialer.domain.state import attempt_id_of, call_id_of
from tests.integration.dialer.test_calls import place
from tests.support.dialer import running_dialer

CALL_ID = call_id_of("t-1/1")
SID = "CA" + "a" * 32
FORM = {"CallSid": SID, "CallStatus": "ringing", "To": "+12025550181", "From": "+12025550199"}


@dataclass
class Answer:
    status: int
    content_type: str
    text: str


async def post(dialer, sandbox, url, form, *, token=None):
    signature = signature_of(token or sandbox.auth_token, url, form.items())
    headers = {SIGNATURE_HEADER: signature, "Content-Type": "application/x-www-form-urlencoded"}
    async with (
        aiohttp.ClientSession() as client,
        client.post(URL(url, encoded=True), data=urlencode(form), headers=headers) as answer,
    ):
        return Answer(answer.status, answer.content_type, await answer.text())


@pytest.fixture
async def dialer(dialer_redis, sandbox):
    async with running_dialer(dialer_redis, sandbox) as (dialer, stub):
        await place(stub)  # the profile is missing: it waits, and news of it are believed all the same
        yield dialer


@pytest.fixture
def urls(dialer):
    return dialer.webhooks.urls_of("c-1", attempt_id_of(CALL_ID, 1))


async def status_of(dialer) -> CallStatus:
    return (await dialer.handlers.get_call("c-1", CALL_ID, "")).status


async def test_a_signed_status_counts(dialer, sandbox, urls):
    answer = await post(dialer, sandbox, urls.status, FORM)
    assert answer.status == 204
    assert await status_of(dialer) is CallStatus.RINGING


async def test_urls_name_nobody(urls):
    for url in (urls.answer, urls.status, urls.machine):
        assert "c-1" not in url
        assert CALL_ID not in url


@pytest.mark.parametrize("kind", ["answer", "key", "status", "machine"])
async def test_forged_requests_are_refused_and_logged_without_personal_data(dialer, sandbox, urls, kind, capsys):
    url = urls.status.replace("/status/", f"/{kind}/")
    forged = [
        (url, FORM, "another token"),
        (url[:-4] + "AAAA", FORM, None),
        (url, FORM | {"CallSid": "CAx"}, None),
        (url, {"To": "+12025550181"}, None),
    ]
    for address, form, token in forged:
        assert (await post(dialer, sandbox, address, form, token=token)).status == 403
    assert await status_of(dialer) is CallStatus.QUEUED
    logged = "".join(capsys.readouterr())
    assert logged.count("webhook_refused") == len(forged)
    assert "202555" not in logged
    assert urls.status.rpartition("/")[2] not in logged


async def test_a_reference_of_another_purpose_is_refused(dialer, sandbox, urls):
    token = dialer.webhooks.sealer.seal("only one part")
    answer = await post(dialer, sandbox, urls.status.rpartition("/")[0] + "/" + token, FORM)
    assert answer.status == 403


async def test_a_replayed_status_is_harmless(dialer, sandbox, urls):
    for status in ("ringing", "in-progress", "completed", "ringing", "in-progress", "initiated", "nonsense"):
        assert (await post(dialer, sandbox, urls.status, FORM | {"CallStatus": status})).status == 204
    assert await status_of(dialer) is CallStatus.ENDED
    assert dialer.types(CALL_ID).count("call.ended.v1") == 1


async def test_the_answer_is_the_call_flow_and_keys_lead_on(dialer, sandbox, urls):
    answer = await post(dialer, sandbox, urls.answer, FORM)
    gather = ET.fromstring(answer.text).find("Gather")
    assert answer.content_type == "text/xml"
    assert gather is not None
    key_url = gather.get("action") or ""
    wrong = await post(dialer, sandbox, key_url, FORM | {"Digits": "5"})
    right = await post(dialer, sandbox, key_url, FORM | {"Digits": "1"})
    again = await post(dialer, sandbox, key_url, FORM | {"Digits": "1"})
    assert ET.fromstring(wrong.text).find("Gather") is not None
    assert [verb.tag for verb in ET.fromstring(right.text)] == ["Say", "Hangup"]
    assert again.text == right.text
    assert dialer.types(CALL_ID).count("call.key_pressed.v1") == 1


async def test_a_cancelled_call_that_is_answered_says_goodbye(dialer, sandbox, urls):
    await post(dialer, sandbox, urls.status, FORM)
    await dialer.handlers.cancel_call("c-1", CALL_ID, "", "payment_succeeded")
    answer = await post(dialer, sandbox, urls.answer, FORM)
    assert [verb.tag for verb in ET.fromstring(answer.text)] == ["Say", "Hangup"]


async def test_an_unknown_or_ended_call_is_hung_up(dialer, sandbox, urls):
    await post(dialer, sandbox, urls.status, FORM | {"CallStatus": "completed"})
    stranger = dialer.webhooks.urls_of("c-unknown", attempt_id_of(CALL_ID, 1))
    for url in (urls.answer, stranger.answer, urls.status.replace("/status/", "/key/")):
        answer = await post(dialer, sandbox, url, FORM | {"Digits": "1"})
        assert [verb.tag for verb in ET.fromstring(answer.text)] == ["Hangup"]


async def test_while_the_store_is_away_the_line_is_held_and_statuses_are_asked_to_come_again(
    dialer, sandbox, urls, monkeypatch
):
    async def unavailable(*_):
        raise TransientError("store_unavailable")

    monkeypatch.setattr(dialer.store, "load", unavailable)
    assert (await post(dialer, sandbox, urls.status, FORM)).status == 503
    url = urls.answer
    for _ in range(10):
        answer = await post(dialer, sandbox, url, FORM)
        redirect = ET.fromstring(answer.text).find("Redirect")
        if redirect is None:
            break
        url = dialer.url + (redirect.text or "")
    assert [verb.tag for verb in ET.fromstring(answer.text)] == ["Hangup"]
    assert "try=5" in url
