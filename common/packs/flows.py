"""Call flows: what a voice bot says, which keys it offers and what they mean."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum
from typing import Annotated, Self

from pydantic import Field, model_validator

from common.events.vocabulary import Purpose
from common.packs.records import Duration, Identifier, LanguageTag, Record, Source, Text

OPTED_OUT = "opted_out"
"""The meaning of the key that stops such calls; every flow offers it."""


class AfterKey(StrEnum):
    """What the call does after a key was answered."""

    HANG_UP = "hang_up"
    TRANSFER = "transfer"


class FlowKey(Record):
    """A key the customer may press; `meaning` goes on the ledger and to the rules."""

    meaning: Identifier
    then: AfterKey = AfterKey.HANG_UP


class FlowWords(Record):
    """A flow in one language.

    `voice` and `speech_language` are the provider's tags for `<Say>`; `answers` is what is said after a key, by its
    meaning. Texts may use the constants `company` and `hotline` and the call's variables.
    """

    voice: Text
    speech_language: Text
    greeting: Text
    menu: Text
    not_understood: Text
    goodbye: Text
    answers: dict[Identifier, Text]


class CallFlow(Record):
    """A greeting, a menu of keys, said at most `max_menus` times, and a goodbye.

    The greeting names the caller, says that an automated assistant speaks, and the purpose. `samples` gives a value for
    each variable of the texts.
    """

    id: Identifier
    version: Annotated[int, Field(ge=1)]
    purpose: Purpose
    keys: Annotated[dict[Annotated[str, Field(pattern=r"^[0-9*#]$")], FlowKey], Field(min_length=1)]
    key_timeout: Duration
    max_menus: Annotated[int, Field(ge=1, le=5)]
    words: Annotated[dict[LanguageTag, FlowWords], Field(min_length=1)]
    samples: dict[str, str | int] = Field(default_factory=dict)
    source: Source

    @model_validator(mode="after")
    def _answered(self) -> Self:
        meanings = {key.meaning for key in self.keys.values()}
        if OPTED_OUT not in meanings:
            raise ValueError(f"keys lacks one that means {OPTED_OUT}, which every call must offer")
        for language, words in self.words.items():
            if missing := meanings - set(words.answers):
                raise ValueError(f"words.{language}.answers lacks {', '.join(sorted(missing))}")
        return self


@dataclass(frozen=True)
class ScriptKey:
    """One key of a script: what it means, what is said then, what the call does then."""

    key: str
    meaning: str
    answer: str
    then: AfterKey


@dataclass(frozen=True)
class FlowScript:
    """A flow in one language with its texts filled in, ready to become TwiML.

    `menu` is said and keys are awaited for `key_timeout`, up to `max_menus` times (after a wrong key with
    `not_understood` first), then `goodbye`. A key with `then=TRANSFER` dials `transfer_number`.
    """

    flow_id: str
    flow_version: int
    purpose: Purpose
    language: str
    voice: str
    speech_language: str
    greeting: str
    menu: str
    not_understood: str
    goodbye: str
    keys: tuple[ScriptKey, ...]
    key_timeout: timedelta
    max_menus: int
    transfer_number: str

    def key(self, digit: str) -> ScriptKey | None:
        """What `digit` means, None when nothing."""
        return next((key for key in self.keys if key.key == digit), None)
