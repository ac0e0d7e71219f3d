"""Calls, placed with the official SDK; the customers' side is simulated."""

from typing import Any

import pytest
from twilio.base.exceptions import TwilioRestException
from twilio.request_validator import RequestValidator
from twilio.rest import Client

from tests.integration.sandbox.conftest import Number, sdk
from tests.support.application import Application, Received
from tests.support.polling import eventually
from tests.support.sandbox import Sandbox, running_sandbox

OURS = "+12025550100"
EVENTS = ["initiated", "ringing", "answered", "completed"]
MENU = '<Response><Gather numDigits="1" action="/keys{n}"><Say>Press a key.</Say></Gather><Say>No key.</Say></Response>'
LONG = "<Response><Pause length='600'/></Response>"


def end_of(client: Client, sid: str) -> str | None:
    status = client.calls(sid).fetch().status
    return None if status in {"queued", "ringing", "in-progress"} else str(status)


def ended(client: Client, sid: str) -> str:
    return eventually(lambda: end_of(client, sid)) or ""


def in_progress(client: Client, sid: str) -> bool:
    return bool(client.calls(sid).fetch().status == "in-progress")


def called(client: Client, to: str, **how: Any) -> str:
    return str(client.calls.create(to=to, from_=OURS, **how).sid)


@pytest.mark.parametrize(("suffix", "key"), [("41", "1"), ("81", "1"), ("82", "2"), ("83", "9")])
def test_a_customer_answers_and_presses_a_key(
    client: Client, sandbox: Sandbox, application: Application, number: Number, suffix: str, key: str
) -> None:
    n = number(suffix)[1:]
    application.answers[f"/voice{n}"] = MENU.format(n=n)
    application.answers[f"/keys{n}"] = "<Response><Say>Thank you.</Say><Hangup/></Response>"
    sid = called(client, number(suffix), url=f"{application.url}/voice{n}?call=c-1")
    assert ended(client, sid) == "completed"
    [start], [pressed] = application.at(f"/voice{n}"), application.at(f"/keys{n}")
    assert (start.method, start.params["CallSid"], start.params["CallStatus"]) == ("POST", sid, "in-progress")
    assert (pressed.params["Digits"], pressed.params["CallSid"]) == (key, sid)
    validator = RequestValidator(sandbox.auth_token)
    for request in (start, pressed):
        assert validator.validate(request.url, request.params, request.headers["X-Twilio-Signature"])
    said = [entry["text"] for entry in sandbox.book("said", to=number(suffix))]
    assert said == ["Press a key.", "Thank you."]


def test_every_event_that_was_asked_for_is_posted_in_order(
    client: Client, sandbox: Sandbox, application: Application, number: Number
) -> None:
    path = f"/progress{number('80')[1:]}"
    sid = called(
        client,
        number("80"),
        twiml="<Response><Say>Hi</Say></Response>",
        status_callback=application.url + path,
        status_callback_event=EVENTS,
    )
    eventually(lambda: len(application.at(path)) == 4)
    told = application.at(path)
    assert [r.params["CallStatus"] for r in told] == ["initiated", "ringing", "in-progress", "completed"]
    assert [r.params["SequenceNumber"] for r in told] == ["0", "1", "2", "3"]
    assert {r.params["CallSid"] for r in told} == {sid}
    assert "CallDuration" in told[-1].params
    validator = RequestValidator(sandbox.auth_token)
    assert all(validator.validate(r.url, r.params, r.headers["X-Twilio-Signature"]) for r in told)


def test_only_the_end_is_posted_by_default(client: Client, application: Application, number: Number) -> None:
    path = f"/end{number('85')[1:]}"
    sid = called(client, number("85"), twiml=LONG, status_callback=application.url + path)
    assert ended(client, sid) == "busy"
    eventually(lambda: application.at(path))
    assert [r.params["CallStatus"] for r in application.at(path)] == ["busy"]


@pytest.mark.parametrize(
    ("suffix", "end"), [("84", "completed"), ("85", "busy"), ("86", "no-answer"), ("88", "failed"), ("90", "no-answer")]
)
def test_how_calls_end(client: Client, number: Number, suffix: str, end: str) -> None:
    sid = called(client, number(suffix), twiml=LONG, timeout=20)
    assert ended(client, sid) == end
    call = client.calls(sid).fetch()
    assert (call.duration is not None, call.end_time is not None) == (True, True)


def test_somebody_who_presses_nothing_hears_what_follows(client: Client, sandbox: Sandbox, number: Number) -> None:
    assert ended(client, called(client, number("80"), twiml=MENU)) == "completed"
    assert [e["text"] for e in sandbox.book("said", to=number("80"))] == ["Press a key.", "No key."]


def test_a_customer_may_answer_only_the_third_call(client: Client, number: Number) -> None:
    ends = [ended(client, called(client, number("89"), twiml="<Response/>", timeout=10)) for _ in range(4)]
    assert ends == ["no-answer", "busy", "completed", "completed"]


@pytest.mark.parametrize(
    ("suffix", "detection", "answered_by"),
    [("41", "Enable", "human"), ("87", "Enable", "machine_start"), ("87", "DetectMessageEnd", "machine_end_beep")],
)
def test_machine_detection_before_the_document_is_asked_for(
    client: Client, application: Application, number: Number, suffix: str, detection: str, answered_by: str
) -> None:
    path = f"/detect{number(suffix)[1:]}"
    sid = called(client, number(suffix), url=application.url + path, machine_detection=detection)
    assert ended(client, sid) == "completed"
    assert application.at(path)[0].params["AnsweredBy"] == answered_by
    assert client.calls(sid).fetch().answered_by == answered_by


def test_machine_detection_beside_the_call(client: Client, application: Application, number: Number) -> None:
    voice, path = f"/amdvoice{number('87')[1:]}", f"/amd{number('87')[1:]}"
    application.answers[voice] = LONG
    sid = called(
        client,
        number("87"),
        url=application.url + voice,
        machine_detection="Enable",
        async_amd="true",
        async_amd_status_callback=application.url + path,
    )
    [told] = eventually(lambda: application.at(path))
    assert (told.params["AnsweredBy"], told.params["CallSid"]) == ("machine_start", sid)
    assert "AnsweredBy" not in application.at(voice)[0].params
    client.calls(sid).update(status="completed")
    assert ended(client, sid) == "completed"


def test_a_call_in_progress_can_be_ended(client: Client, number: Number) -> None:
    sid = called(client, number("80"), twiml=LONG)
    eventually(lambda: in_progress(client, sid))
    client.calls(sid).update(status="canceled")
    assert client.calls(sid).fetch().status == "in-progress"
    assert client.calls(sid).update(status="completed").status == "completed"


def test_a_ringing_call_can_be_canceled(client: Client, sandbox: Sandbox, number: Number) -> None:
    sid = called(client, number("99"), twiml=LONG)
    eventually(lambda: client.calls(sid).fetch().status == "ringing", timeout=15)
    assert client.calls(sid).update(status="canceled").status == "canceled"
    assert [e["status"] for e in sandbox.book("call_status", to=number("99"))] == ["ringing", "canceled"]


def test_a_call_in_progress_can_get_another_document(client: Client, sandbox: Sandbox, number: Number) -> None:
    sid = called(client, number("80"), twiml=LONG)
    eventually(lambda: in_progress(client, sid))
    client.calls(sid).update(twiml="<Response><Say>Something else.</Say></Response>")
    assert ended(client, sid) == "completed"
    assert [e["text"] for e in sandbox.book("said", to=number("80"))] == ["Something else."]
    with pytest.raises(TwilioRestException) as refused:
        client.calls(sid).update(twiml=LONG)
    assert refused.value.code == 21220


@pytest.mark.parametrize(("suffix", "status"), [("82", "completed"), ("85", "busy"), ("86", "no-answer")])
def test_another_party_is_dialled(
    client: Client, application: Application, number: Number, suffix: str, status: str
) -> None:
    agent, path = number(suffix), f"/dialled{number('80')[1:]}"
    twiml = f'<Response><Dial action="{application.url}{path}" timeout="15">{agent}</Dial></Response>'
    sid = called(client, number("80"), twiml=twiml)
    assert ended(client, sid) == "completed"
    [told] = application.at(path)
    assert told.params["DialCallStatus"] == status
    [leg] = client.calls.list(parent_call_sid=sid)
    assert (leg.sid, leg.to, leg.direction) == (told.params["DialCallSid"], agent, "outbound-dial")


def test_hanging_up_ends_the_other_leg_too(client: Client, number: Number) -> None:
    sid = called(client, number("80"), twiml=f"<Response><Dial>{number('99')}</Dial></Response>")
    [leg] = eventually(lambda: client.calls.list(parent_call_sid=sid))
    client.calls(sid).update(status="completed")
    assert ended(client, str(leg.sid)) == "canceled"


def test_a_redirect_is_followed_and_the_fallback_is_asked(
    client: Client, sandbox: Sandbox, application: Application, number: Number
) -> None:
    n = number("80")[1:]
    application.answers[f"/first{n}"] = f'<Response><Redirect method="GET">/broken{n}?x=1</Redirect></Response>'
    application.answers[f"/broken{n}"] = lambda _: (500, "")
    application.answers[f"/fallback{n}"] = "<Response><Say>Sorry.</Say></Response>"
    how = {"url": f"{application.url}/first{n}", "fallback_url": f"{application.url}/fallback{n}"}
    assert ended(client, called(client, number("80"), **how)) == "completed"
    broken = application.at(f"/broken{n}")
    assert [(r.method, r.params["x"]) for r in broken] == [("GET", "1")] * 2
    assert RequestValidator(sandbox.auth_token).validate(broken[0].url, {}, broken[0].headers["X-Twilio-Signature"])
    assert [e["text"] for e in sandbox.book("said", to=number("80"))] == ["Sorry."]


@pytest.mark.parametrize(
    ("answer", "code"), [((200, "no xml"), 12100), ((200, "<Response><Sing/></Response>"), 12200), ((404, ""), 11200)]
)
def test_a_document_that_cannot_be_carried_out_ends_the_call(
    client: Client, sandbox: Sandbox, application: Application, number: Number, answer: tuple[int, str], code: int
) -> None:
    path = f"/bad{number('80')[1:]}"

    def bad(_: Received) -> tuple[int, str]:
        return answer

    application.answers[path] = bad
    assert ended(client, called(client, number("80"), url=application.url + path)) == "completed"
    assert [e["code"] for e in sandbox.book("call_error", to=number("80"))] == [code]


def test_a_person_answers_presses_keys_and_hangs_up(client: Client, sandbox: Sandbox, number: Number) -> None:
    phone = number("99")
    sid = called(client, phone, twiml='<Response><Gather finishOnKey="#" timeout="30"/></Response>')
    eventually(lambda: client.calls(sid).fetch().status == "ringing", timeout=15)
    sandbox.act(phone, "answer")
    eventually(lambda: in_progress(client, sid))
    sandbox.act(phone, "keys", digits="12")
    sandbox.act(phone, "hang-up")
    assert ended(client, sid) == "completed"
    assert [e["keys"] for e in sandbox.book("pressed", to=phone)] == ["12"]


def test_a_person_declines(client: Client, sandbox: Sandbox, number: Number) -> None:
    sid = called(client, number("99"), twiml=LONG)
    eventually(lambda: client.calls(sid).fetch().status == "ringing", timeout=15)
    sandbox.act(number("99"), "decline")
    assert ended(client, sid) == "busy"


def test_lists_are_filtered(client: Client, number: Number) -> None:
    busy, ordinary = called(client, number("85"), twiml=LONG), called(client, number("80"), twiml="<Response/>")
    assert {ended(client, busy), ended(client, ordinary)} == {"busy", "completed"}
    start = client.calls(ordinary).fetch().start_time
    assert [c.sid for c in client.calls.list(to=number("85"))] == [busy]
    assert [c.sid for c in client.calls.list(to=number("85"), status="completed")] == []
    assert [c.sid for c in client.calls.list(to=number("80"), start_time_after=start)] == [ordinary]
    assert busy in {c.sid for c in client.calls.list(status="busy")}


@pytest.mark.parametrize(
    ("asked", "code"),
    [
        ({"to": "12345", "from_": OURS, "twiml": LONG}, 21211),
        ({"to": "+12025550198", "from_": OURS, "twiml": LONG}, 21211),
        ({"to": "+12025550141", "from_": "Insurer", "twiml": LONG}, 21212),
        ({"to": "+12025550141", "from_": OURS}, 21205),
        ({"to": "+12025550141", "from_": OURS, "url": "app.example/voice"}, 21205),
        ({"to": "", "from_": OURS, "twiml": LONG}, 21201),
        ({"to": "+12025550141", "from_": "", "twiml": LONG}, 21213),
        ({"to": "+12025550141", "from_": OURS, "twiml": LONG, "timeout": 601}, 20001),
        ({"to": "+12025550141", "from_": OURS, "twiml": LONG, "status_callback_event": ["sung"]}, 20001),
    ],
)
def test_what_the_carrier_refuses(client: Client, asked: dict[str, Any], code: int) -> None:
    with pytest.raises(TwilioRestException) as refused:
        client.calls.create(**asked)
    assert (refused.value.code, refused.value.status) == (code, 400)


def test_a_scenario_file_decides_before_the_table(
    tmp_path_factory: pytest.TempPathFactory, application: Application
) -> None:
    directory = tmp_path_factory.mktemp("scenario")
    scenario = directory / "scenario.yaml"
    scenario.write_text('customers: [{number: "+12025550185", voice: [{keys: ["", "7"]}]}]')
    with running_sandbox(directory, scenario=str(scenario)) as own:
        for client in sdk(own):
            twiml = '<Response><Gather timeout="1"/><Gather numDigits="1" action="http://127.0.0.1:9/"/></Response>'
            assert ended(client, called(client, "+12025550185", twiml=twiml)) == "completed"
        assert [e["keys"] for e in own.book("pressed")] == ["7"]
