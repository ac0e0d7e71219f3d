"""TwiML: what is read, in which order it is carried out, and where it goes on."""

import pytest

from sandbox.twiml import (
    Act,
    Dial,
    Fetch,
    Gather,
    Heard,
    Pause,
    Play,
    Say,
    TwimlError,
    interpret,
    parse,
    seconds_to_speak,
)

HERE = "https://app.example/voice/start?call=c-1"


def walk(document: str, *heard: Heard) -> tuple[list[Act], Fetch | None]:
    """Carries a document out; `heard` is what each Gather and Dial hears, in order."""
    answers, acts = iter(heard), []
    walker = interpret(parse(document), HERE)
    try:
        act = next(walker)
        while True:
            acts.append(act)
            act = walker.send(next(answers, {}) if isinstance(act, Gather | Dial) else {})
    except StopIteration as stop:
        return acts, stop.value


def test_prompts_are_performed_in_order_and_then_the_call_ends() -> None:
    document = (
        '<Response><Say language="zh-CN" voice="Polly.Zhiyu">您好</Say><Pause length="2"/><Play>a.mp3</Play></Response>'
    )
    acts, following = walk(document)
    assert acts == [Say("您好", "Polly.Zhiyu", "zh-CN"), Pause(2.0), Play("a.mp3")]
    assert following is None


def test_nothing_after_hangup_is_performed() -> None:
    assert walk("<Response><Say>a</Say><Hangup/><Say>b</Say></Response>") == ([Say("a")], None)


def test_redirect_goes_on_elsewhere_relative_to_this_document() -> None:
    _, following = walk('<Response><Redirect method="GET">../next</Redirect><Say>never</Say></Response>')
    assert following == Fetch("https://app.example/next", "GET", {})


def test_an_empty_redirect_asks_for_the_same_document_again() -> None:
    _, following = walk("<Response><Redirect/></Response>")
    assert following == Fetch(HERE, "POST", {})


def test_keys_lead_to_the_action() -> None:
    document = (
        '<Response><Gather action="/keys?call=c-1" numDigits="1"><Say>Press</Say></Gather><Say>Bye</Say></Response>'
    )
    acts, following = walk(document, {"Digits": "2"})
    assert [type(act) for act in acts] == [Gather]
    assert following is not None
    assert (following.url, following.params["Digits"]) == ("https://app.example/keys?call=c-1", "2")


def test_without_an_action_keys_go_to_the_document_itself() -> None:
    _, following = walk("<Response><Gather/></Response>", {"Digits": "5"})
    assert following is not None
    assert following.url == HERE


def test_without_keys_the_next_verb_is_performed() -> None:
    acts, following = walk("<Response><Gather><Say>Press</Say></Gather><Say>Bye</Say></Response>", {})
    assert acts[1:] == [Say("Bye")]
    assert following is None


def test_without_keys_the_action_is_asked_when_the_document_says_so() -> None:
    _, following = walk('<Response><Gather action="/k" actionOnEmptyResult="true"/></Response>', {})
    assert following is not None
    assert following.params["Digits"] == ""


def test_what_became_of_a_dial_is_told_to_its_action() -> None:
    document = '<Response><Dial action="/after" timeout="20" callerId="+12025550100">+12025550182</Dial></Response>'
    acts, following = walk(document, {"DialCallStatus": "busy"})
    assert acts == [Dial("+12025550182", action="/after", timeout_seconds=20.0, caller_id="+12025550100")]
    assert following == Fetch("https://app.example/after", "POST", {"DialCallStatus": "busy"})


def test_a_dial_without_action_goes_on_with_the_next_verb() -> None:
    acts, _ = walk("<Response><Dial><Number>+12025550182</Number></Dial><Say>Bye</Say></Response>", {})
    assert acts[1] == Say("Bye")


def test_a_dial_knows_what_kind_of_party_it_names() -> None:
    acts, _ = walk("<Response><Dial><Queue>agents</Queue></Dial></Response>", {})
    assert acts == [Dial("agents", noun="queue")]


@pytest.mark.parametrize(
    ("keys", "complete", "digits"),
    [("", False, ""), ("1", False, "1"), ("12", True, "12"), ("1#", True, "1"), ("#", True, ""), ("123", True, "12")],
)
def test_gather_knows_when_it_has_heard_enough(keys: str, complete: bool, digits: str) -> None:
    gather = Gather(num_digits=2)
    assert (gather.complete(keys), gather.digits(keys)) == (complete, digits)


def test_gather_without_a_finishing_key_takes_every_key() -> None:
    gather = Gather(finish_on_key="", num_digits=3)
    assert (gather.complete("1#"), gather.digits("1#*")) == (False, "1#*")


@pytest.mark.parametrize(("loop", "times"), [("1", 1), ("3", 3), ("0", 10), ("50", 10)])
def test_loops_repeat_but_not_for_ever(loop: str, times: int) -> None:
    assert parse(f'<Response><Say loop="{loop}">a</Say></Response>') == (Say("a"),) * times


@pytest.mark.parametrize(
    ("document", "code"),
    [
        ("no xml", 12100),
        ("", 12100),
        ("<Answer/>", 12100),
        ("<Response><Sing/></Response>", 12200),
        ('<Response><Pause length="long"/></Response>', 12200),
        ('<Response><Pause length="-1"/></Response>', 12200),
        ("<Response><Dial/></Response>", 12200),
    ],
)
def test_what_is_no_voice_document_is_refused(document: str, code: int) -> None:
    with pytest.raises(TwimlError) as refused:
        parse(document)
    assert refused.value.code == code


def test_long_texts_take_longer_and_chinese_characters_count_as_syllables() -> None:
    assert seconds_to_speak("hm") == 0.5
    assert seconds_to_speak("您好，欢迎致电") > seconds_to_speak("Hello")
    assert seconds_to_speak("a" * 200) == pytest.approx(12.0)
