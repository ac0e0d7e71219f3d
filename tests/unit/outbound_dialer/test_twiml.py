"""What the carrier is told to say, read back by an XML parser."""

from dataclasses import replace
from xml.etree import ElementTree as ET

import pytest

from common.packs.flows import ScriptKey
from services.outbound_dialer.domain.lifecycle import CallStatus
from services.outbound_dialer.domain.state import KeyPress
from services.outbound_dialer.domain.twiml import HANG_UP, after_key, farewell, greeting, may_speak
from tests.unit.outbound_dialer.world import RULES, accepted, call_of

SCRIPT = RULES.pack.flow("payment_failed", "en")


def action_of(menu: int) -> str:
    return f"https://a.example/gather/token?menu={menu}&x=1"


def shape(document: str) -> list[str]:
    return [f"{verb.tag}:{verb.text}" if verb.tag == "Dial" else verb.tag for verb in ET.fromstring(document)]


def test_the_greeting_says_who_calls_and_offers_the_menu_as_often_as_the_flow_says():
    document = greeting(SCRIPT, action_of)
    gathers = ET.fromstring(document).findall("Gather")
    assert shape(document) == ["Gather", "Gather", "Gather", "Say", "Hangup"]
    assert [gather.get("action") for gather in gathers] == [action_of(1), action_of(2), action_of(3)]
    assert [said.text for said in gathers[0]] == [SCRIPT.greeting, SCRIPT.menu]
    assert "automated assistant" in SCRIPT.greeting
    assert gathers[0].get("timeout") == "6"


@pytest.mark.parametrize(
    ("digit", "menu", "verbs"),
    [
        ("1", 1, ["Say", "Hangup"]),
        ("2", 1, ["Say", "Dial:+12025550199"]),
        ("9", 3, ["Say", "Hangup"]),
        ("5", 1, ["Say", "Gather", "Gather", "Say", "Hangup"]),
        ("5", 3, ["Say", "Say", "Hangup"]),
        ("", 9, ["Say", "Say", "Hangup"]),
    ],
)
def test_after_a_key(digit, menu, verbs):
    assert shape(after_key(SCRIPT, digit, menu, action_of)) == verbs


def test_texts_cannot_break_out_of_their_element():
    evil = '</Say><Dial>+12025550100</Dial> & "quotes" 你好'
    script = replace(SCRIPT, greeting=evil, voice='x" y="', keys=(ScriptKey("1", "m", evil, SCRIPT.keys[0].then),))
    said = ET.fromstring(greeting(script, action_of))[0][0]
    assert (said.text, said.get("voice")) == (evil, 'x" y="')
    assert ET.fromstring(after_key(script, "1", 1, action_of))[0].text == evil


def test_a_settled_matter_is_not_told_again():
    assert shape(farewell(SCRIPT)) == ["Say", "Hangup"]
    assert shape(HANG_UP) == ["Hangup"]


@pytest.mark.parametrize(
    ("changes", "speaks"),
    [
        ({}, True),
        ({"status": CallStatus.ANSWERED}, True),
        ({"status": CallStatus.ENDED}, False),
        ({"machine": "machine_start"}, False),
        ({"machine": "machine_start", "keys": (KeyPress("1", "m"),)}, True),
    ],
)
def test_machines_and_ended_calls_are_hung_up(changes, speaks):
    assert may_speak(replace(call_of(accepted()), **changes)) is speaks
