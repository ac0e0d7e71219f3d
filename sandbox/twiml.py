"""Reads TwiML and walks through it; pure: the caller speaks, listens, dials and fetches."""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urljoin
from xml.etree import ElementTree as ET

DEFAULT_GATHER_TIMEOUT_SECONDS: Final = 5.0
DEFAULT_DIAL_TIMEOUT_SECONDS: Final = 30.0
DOCUMENT_PARSE_FAILURE: Final = 12100
SCHEMA_VIOLATION: Final = 12200


class TwimlError(Exception):
    """The document cannot be carried out.

    Args:
        code: the carrier's error number.
        message: one sentence for a person.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True)
class Say:
    """Speak a text."""

    text: str
    voice: str = ""
    language: str = ""


@dataclass(frozen=True)
class Play:
    """Play a recording, or send key tones."""

    url: str
    digits: str = ""


@dataclass(frozen=True)
class Pause:
    """Be silent."""

    seconds: float = 1.0


Prompt = Say | Play | Pause


@dataclass(frozen=True)
class Gather:
    """Collect keys while prompting; hands them to `action`, or goes on when none came."""

    prompts: tuple[Prompt, ...] = ()
    action: str = ""
    method: str = "POST"
    timeout_seconds: float = DEFAULT_GATHER_TIMEOUT_SECONDS
    num_digits: int | None = None
    finish_on_key: str = "#"
    action_on_empty: bool = False

    def complete(self, keys: str) -> bool:
        """True when the caller need not wait for more keys."""
        if self.finish_on_key and self.finish_on_key in keys:
            return True
        return self.num_digits is not None and len(keys) >= self.num_digits

    def digits(self, keys: str) -> str:
        """What `action` is told of the keys pressed: without the finishing key and what came after it."""
        if self.finish_on_key:
            keys = keys.split(self.finish_on_key, 1)[0]
        return keys[: self.num_digits]


@dataclass(frozen=True)
class Dial:
    """Connect the call to another party: a number, or anything else (`sip`, `client`, `conference`, `queue`)."""

    target: str
    noun: str = "number"
    action: str | None = None
    method: str = "POST"
    timeout_seconds: float = DEFAULT_DIAL_TIMEOUT_SECONDS
    caller_id: str = ""


@dataclass(frozen=True)
class Redirect:
    """Go on with another document."""

    url: str
    method: str = "POST"


@dataclass(frozen=True)
class Hangup:
    """End the call."""


Verb = Prompt | Gather | Dial | Redirect | Hangup
Act = Prompt | Gather | Dial
Heard = Mapping[str, str]


@dataclass(frozen=True)
class Fetch:
    """Where the next document is, and what to tell the application when asking for it."""

    url: str
    method: str
    params: Heard


def parse(document: str) -> tuple[Verb, ...]:
    """The verbs of a voice document, in order.

    Raises:
        TwimlError: it is no XML, its root is not Response, a verb is unknown, or an attribute has a senseless value.
    """
    try:
        root = ET.fromstring(document)  # noqa: S314 - written by the application under test, on the same machine
    except ET.ParseError as error:
        raise TwimlError(DOCUMENT_PARSE_FAILURE, f"Document parse failure: {error}") from error
    if root.tag != "Response":
        raise TwimlError(DOCUMENT_PARSE_FAILURE, f"The root element is {root.tag}, not Response")
    return tuple(verb for element in root for verb in _verbs(element))


def interpret(verbs: tuple[Verb, ...], document_url: str) -> Generator[Act, Heard, Fetch | None]:
    """Walks through the verbs: yields what is to be done, expects to be sent what was heard.

    After a Gather send `{"Digits": ...}`, or `{}` when no key came; after a Dial send its `DialCallStatus` and the
    like; after anything else what is sent is ignored.

    Returns:
        The document to go on with, or None: hang up.
    """
    for verb in verbs:
        match verb:
            case Hangup():
                return None
            case Redirect():
                return Fetch(urljoin(document_url, verb.url), verb.method, {})
            case Gather():
                heard = yield verb
                if heard.get("Digits") or verb.action_on_empty:
                    told = {"Digits": heard.get("Digits", ""), "FinishedOnKey": heard.get("FinishedOnKey", "")}
                    return Fetch(urljoin(document_url, verb.action), verb.method, told)
            case Dial():
                heard = yield verb
                if verb.action is not None:
                    return Fetch(urljoin(document_url, verb.action), verb.method, heard)
            case _:
                yield verb
    return None


def seconds_to_speak(text: str) -> float:
    """Seconds that a voice needs: about 16 letters or 4 Chinese characters a second, at least half a second."""
    wide = sum(char >= "\u2e80" for char in text)
    return max(0.5, wide * 0.25 + (len(text) - wide) * 0.06)


def _verbs(element: ET.Element) -> tuple[Verb, ...]:
    read = _READERS.get(element.tag)
    if read is None:
        raise TwimlError(SCHEMA_VIOLATION, f"Unknown verb {element.tag}")
    return read(element)


def _prompts(parent: ET.Element) -> tuple[Prompt, ...]:
    found = (verb for element in parent if element.tag in {"Say", "Play", "Pause"} for verb in _verbs(element))
    return tuple(verb for verb in found if isinstance(verb, Say | Play | Pause))


def _say(element: ET.Element) -> tuple[Verb, ...]:
    text = " ".join("".join(element.itertext()).split())
    return (Say(text, element.get("voice", ""), element.get("language", "")),) * _loops(element)


def _play(element: ET.Element) -> tuple[Verb, ...]:
    return (Play((element.text or "").strip(), element.get("digits", "")),) * _loops(element)


def _pause(element: ET.Element) -> tuple[Verb, ...]:
    return (Pause(_number(element, "length", 1.0)),)


def _gather(element: ET.Element) -> tuple[Verb, ...]:
    num_digits = int(_number(element, "numDigits", 0))
    return (
        Gather(
            prompts=_prompts(element),
            action=element.get("action", ""),
            method=_method(element),
            timeout_seconds=_number(element, "timeout", DEFAULT_GATHER_TIMEOUT_SECONDS),
            num_digits=num_digits or None,
            finish_on_key=element.get("finishOnKey", "#"),
            action_on_empty=element.get("actionOnEmptyResult", "false").lower() == "true",
        ),
    )


def _dial(element: ET.Element) -> tuple[Verb, ...]:
    nouns = [(child.tag.lower(), "".join(child.itertext()).strip()) for child in element]
    noun, target = nouns[0] if nouns else ("number", (element.text or "").strip())
    if not target:
        raise TwimlError(SCHEMA_VIOLATION, "Dial names nobody")
    return (
        Dial(
            target=target,
            noun=noun,
            action=element.get("action"),
            method=_method(element),
            timeout_seconds=_number(element, "timeout", DEFAULT_DIAL_TIMEOUT_SECONDS),
            caller_id=element.get("callerId", ""),
        ),
    )


def _redirect(element: ET.Element) -> tuple[Verb, ...]:
    return (Redirect((element.text or "").strip(), _method(element)),)


def _hangup(_: ET.Element) -> tuple[Verb, ...]:
    return (Hangup(),)


_READERS: Final = {
    "Say": _say,
    "Play": _play,
    "Pause": _pause,
    "Gather": _gather,
    "Dial": _dial,
    "Redirect": _redirect,
    "Hangup": _hangup,
    "Reject": _hangup,
}
MAX_LOOPS: Final = 10  # loop="0" means for ever; nobody listens that long


def _loops(element: ET.Element) -> int:
    return min(int(_number(element, "loop", 1)) or MAX_LOOPS, MAX_LOOPS)


def _method(element: ET.Element) -> str:
    return element.get("method", "POST").upper()


def _number(element: ET.Element, name: str, default: float) -> float:
    text = element.get(name)
    try:
        value = default if text is None or (name == "timeout" and text == "auto") else float(text)
    except ValueError as error:
        raise TwimlError(SCHEMA_VIOLATION, f"{element.tag}.{name} is no number") from error
    if value < 0:
        raise TwimlError(SCHEMA_VIOLATION, f"{element.tag}.{name} is negative")
    return value
