"""What the carrier is told to say and do during a call: TwiML, rendered from the pack's call flow.

Verbs and attributes as in https://www.twilio.com/docs/voice/twiml. Texts may hold names and amounts: documents are
answered to the carrier and never logged.
"""

from collections.abc import Callable
from xml.sax.saxutils import escape, quoteattr

from common.packs.flows import AfterKey, FlowScript
from services.outbound_dialer.domain.lifecycle import CallStatus
from services.outbound_dialer.domain.state import Call

ActionOf = Callable[[int], str]
"""Menu number, from 1 → URL that is told the key pressed in it."""

HEAD = '<?xml version="1.0" encoding="UTF-8"?><Response>'
TAIL = "</Response>"
HANG_UP = f"{HEAD}<Hangup/>{TAIL}"
TRANSFER_RING_SECONDS = 30


def may_speak(call: Call) -> bool:
    """Whether the call flow runs: a call that is over, or that a machine answered, is hung up."""
    return call.status is not CallStatus.ENDED and (not call.machine or bool(call.keys))


def greeting(script: FlowScript, action_of: ActionOf) -> str:
    """Who calls, then the menu as often as the flow says, then goodbye; a key may be pressed at any time."""
    first = _gather(script, [script.greeting, script.menu], action_of(1))
    return _document(first + _menus(script, 2, action_of) + _farewell(script))


def farewell(script: FlowScript) -> str:
    """Only goodbye: what the call was for has been settled meanwhile."""
    return _document(_farewell(script))


def after_key(script: FlowScript, digit: str, menu: int, action_of: ActionOf) -> str:
    """What follows a key pressed in the given menu; the same for the same key, however often it is asked."""
    key = script.key(digit)
    if key is None:
        return _document(_say(script, script.not_understood) + _menus(script, menu + 1, action_of) + _farewell(script))
    then = _transfer(script) if key.then is AfterKey.TRANSFER else "<Hangup/>"
    return _document(_say(script, key.answer) + then)


def _document(verbs: str) -> str:
    return HEAD + verbs + TAIL


def _menus(script: FlowScript, start: int, action_of: ActionOf) -> str:
    return "".join(_gather(script, [script.menu], action_of(menu)) for menu in range(start, script.max_menus + 1))


def _gather(script: FlowScript, texts: list[str], action: str) -> str:
    said = "".join(_say(script, text) for text in texts)
    seconds = max(round(script.key_timeout.total_seconds()), 1)
    attributes = f'input="dtmf" numDigits="1" timeout="{seconds}" method="POST" action={quoteattr(action)}'
    return f"<Gather {attributes}>{said}</Gather>"


def _say(script: FlowScript, text: str) -> str:
    voice, language = quoteattr(script.voice), quoteattr(script.speech_language)
    return f"<Say voice={voice} language={language}>{escape(text)}</Say>"


def _transfer(script: FlowScript) -> str:
    return f'<Dial timeout="{TRANSFER_RING_SECONDS}">{escape(script.transfer_number)}</Dial>'


def _farewell(script: FlowScript) -> str:
    return _say(script, script.goodbye) + "<Hangup/>"
