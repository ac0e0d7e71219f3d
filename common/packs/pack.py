"""The rule pack: everything that decide functions ask rules for, frozen and versioned."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from typing import Annotated

from pydantic import Field

from common.errors import InvalidEvent
from common.events.vocabulary import Purpose
from common.packs.compliance import ComplianceFile, ComplianceProfile
from common.packs.flows import CallFlow, FlowScript, ScriptKey
from common.packs.journeys import JourneyRule
from common.packs.reasons import ReasonTable
from common.packs.records import LanguageTag, LocalText, Record, in_language
from common.packs.scenarios import ScenarioRule
from common.packs.segments import Encoding, count_segments
from common.packs.templates import TemplateRecord, TextRenderer, rendered


class Brand(Record):
    """Who speaks. `hotline` is how texts write the number, `hotline_number` (E.164) is what a transfer dials."""

    company: LocalText
    hotline: LocalText
    hotline_number: Annotated[str, Field(pattern=r"^\+[1-9][0-9]{6,14}$")]


class PackHeader(Record):
    """`pack.yaml`: the declared version, who speaks, and the language that stands in for a missing one."""

    id: str
    version: Annotated[str, Field(pattern=r"^[0-9A-Za-z][0-9A-Za-z.-]{0,31}$")]
    default_language: LanguageTag
    brand: Brand


@dataclass(frozen=True)
class RenderedText:
    """A message ready to be sent: signature, text and opt-out text in one, with what it costs."""

    text: str
    language: str
    template_id: str
    template_version: int
    encoding: Encoding
    segments: int


@dataclass(frozen=True)
class PackContent:
    """The validated records a pack is made of, by id."""

    header: PackHeader
    journeys: Mapping[str, JourneyRule]
    scenarios: Mapping[str, ScenarioRule]
    compliance: Mapping[str, ComplianceFile]
    templates: Mapping[str, TemplateRecord]
    reasons: Mapping[str, ReasonTable]
    flows: Mapping[str, CallFlow]


REASON_TABLE = "bank_codes"


class Pack:
    """One version of all rules. Immutable; lookups take microseconds and do no I/O.

    Args:
        content: the validated records.
        version: declared version and content hash, e.g. `1.0.0+3f9a0c12d4e5`.

    Raises:
        jinja2.TemplateError: a text is no template.
    """

    def __init__(self, content: PackContent, version: str) -> None:
        self.version = version
        self.content = content
        self.default_language = content.header.default_language
        self._renderer = TextRenderer(self.reason, self._constants())
        self._templates = {
            (template.id, language): self._renderer.compile(text, language)
            for template in content.templates.values()
            for language, text in template.text.items()
        }
        self._by_event: dict[str, tuple[JourneyRule, ...]] = {}
        self._scenarios_by_event: dict[str, tuple[ScenarioRule, ...]] = {}
        self._index()
        self._compiled = lru_cache(maxsize=1024)(self._renderer.compile)
        self._profile_on = lru_cache(maxsize=1024)(lambda jurisdiction, day: content.compliance[jurisdiction].on(day))

    def _constants(self) -> dict[str, dict[str, str]]:
        brand = self.content.header.brand
        return {
            language: {"company": company, "hotline": in_language(brand.hotline, language, self.default_language)[1]}
            for language, company in brand.company.items()
        }

    def _index(self) -> None:
        for journey in self.content.journeys.values():
            self._by_event[journey.on] = (*self._by_event.get(journey.on, ()), journey)
        for scenario in self.content.scenarios.values():
            for event_type in scenario.on:
                self._scenarios_by_event[event_type] = (*self._scenarios_by_event.get(event_type, ()), scenario)

    @property
    def journeys(self) -> Mapping[str, JourneyRule]:
        """All journey rules by id."""
        return self.content.journeys

    @property
    def scenarios(self) -> Mapping[str, ScenarioRule]:
        """All nine-connect scenarios by id."""
        return self.content.scenarios

    def journeys_for(self, event_type: str) -> tuple[JourneyRule, ...]:
        """The journey rules a fact of `event_type` may start; ask each whether it `applies`."""
        return self._by_event.get(event_type, ())

    def scenarios_for(self, event_type: str) -> tuple[ScenarioRule, ...]:
        """The scenarios a fact of `event_type` may open; ask each whether it `applies`."""
        return self._scenarios_by_event.get(event_type, ())

    def compliance(self, jurisdiction: str, on_date: date) -> ComplianceProfile:
        """What `jurisdiction` asks on `on_date` (the called party's local date).

        Raises:
            InvalidEvent: the pack knows no such jurisdiction, or nothing was in force then.
        """
        if jurisdiction not in self.content.compliance:
            raise _unknown("jurisdiction", jurisdiction)
        return self._profile_on(jurisdiction, on_date)

    def reason(self, code: str, language: str) -> str:
        """The bank's code in plain words; the default words for an unknown one."""
        return self.content.reasons[REASON_TABLE].words(code, language, self.default_language)

    def render_sms(
        self, template_id: str, language: str, jurisdiction: str, variables: Mapping[str, object], *, on_date: date
    ) -> RenderedText:
        """The whole text of an SMS in `language`, else its base language, else the pack's default.

        Args:
            template_id: a template of this pack.
            language: the customer's language tag.
            jurisdiction: decides signature and opt-out text.
            variables: the fact's data fields and `name`; more than the template needs does no harm.
            on_date: the called party's local date, because signature and opt-out text are dated.

        Raises:
            InvalidEvent: unknown template or jurisdiction, or a variable is missing.
        """
        record = self.content.templates.get(template_id)
        if record is None:
            raise _unknown("template", template_id)
        tag, _ = in_language(record.text, language, self.default_language)
        profile = self.compliance(jurisdiction, on_date)
        signature, opt_out = profile.frame(record.purpose, tag, self.default_language)
        body = rendered(self._templates[template_id, tag], template_id, variables)
        text = self._constant(signature, tag) + body + self._constant(opt_out, tag)
        count = count_segments(text)
        return RenderedText(text, tag, template_id, record.version, count.encoding, count.segments)

    def flow(self, flow_id: str, language: str, variables: Mapping[str, object] | None = None) -> FlowScript:
        """The call flow in `language` (falling back as `render_sms` does) with its texts filled in.

        Raises:
            InvalidEvent: unknown flow, or a variable is missing.
        """
        flow = self.content.flows.get(flow_id)
        if flow is None:
            raise _unknown("flow", flow_id)
        tag, words = in_language(flow.words, language, self.default_language)

        def fill(text: str) -> str:
            return rendered(self._compiled(text, tag), flow_id, variables or {})

        return FlowScript(
            flow_id=flow.id,
            flow_version=flow.version,
            purpose=flow.purpose,
            language=tag,
            voice=words.voice,
            speech_language=words.speech_language,
            greeting=fill(words.greeting),
            menu=fill(words.menu),
            not_understood=fill(words.not_understood),
            goodbye=fill(words.goodbye),
            keys=tuple(
                ScriptKey(digit, key.meaning, fill(words.answers[key.meaning]), key.then)
                for digit, key in flow.keys.items()
            ),
            key_timeout=flow.key_timeout,
            max_menus=flow.max_menus,
            transfer_number=self.content.header.brand.hotline_number,
        )

    def purpose_of(self, template_id: str) -> Purpose:
        """The purpose class of a template."""
        return self.content.templates[template_id].purpose

    def _constant(self, text: str, language: str) -> str:
        return rendered(self._compiled(text, language), "wording", {}) if text else ""


def _unknown(kind: str, name: str) -> InvalidEvent:
    return InvalidEvent(
        f"unknown_{kind}",
        field=kind,
        reason=f"the rule pack has no {kind} {name}",
        remedy="publish a pack that has it, or correct the name, and replay the event",
    )
