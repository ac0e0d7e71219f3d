"""The rule pack: everything that decide functions ask rules for, immutable and versioned."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache, partial

from jinja2 import Template

from common.errors import InvalidEvent
from common.events.vocabulary import Purpose
from common.packs.compliance import ComplianceProfile
from common.packs.content import PackContent
from common.packs.flows import FlowScript, ScriptKey
from common.packs.journeys import JourneyRule
from common.packs.records import in_language
from common.packs.scenarios import ScenarioRule
from common.packs.segments import Encoding, count_segments
from common.packs.templates import TextRenderer, rendered

NO_VARIABLES: Mapping[str, object] = {}


@dataclass(frozen=True, slots=True)
class RenderedText:
    """A message ready to be sent: signature, text and opt-out text in one, with what it costs."""

    text: str
    language: str
    template_id: str
    template_version: int
    encoding: Encoding
    segments: int


class Pack:
    """One version of all rules. Immutable; lookups take microseconds and do no I/O.

    Args:
        content: the validated records.
        version: declared version and content hash, e.g. `1.0.0+3f9a0c12d4e5`.

    Raises:
        jinja2.TemplateError: a text is no template; `loading` checks that before.
    """

    def __init__(self, content: PackContent, version: str) -> None:
        self.version = version
        self.content = content
        self.default_language = content.header.default_language
        self._journeys: dict[str, list[JourneyRule]] = {}
        for journey in content.journeys.values():
            self._journeys.setdefault(journey.on, []).append(journey)
        self._scenarios: dict[str, list[ScenarioRule]] = {}
        for scenario in content.scenarios.values():
            for event_type in scenario.on:
                self._scenarios.setdefault(event_type, []).append(scenario)
        self._compiled = lru_cache(maxsize=None)(TextRenderer(content.reason, content.constants).compile)
        self._templates: dict[tuple[str, str], Template] = {
            (template.id, language): self._compiled(text, language)
            for template in content.templates.values()
            for language, text in template.text.items()
        }
        self._profile = lru_cache(maxsize=1024)(self._profile_on)
        self._frame = lru_cache(maxsize=1024)(self._frame_on)

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
        return tuple(self._journeys.get(event_type, ()))

    def scenarios_for(self, event_type: str) -> tuple[ScenarioRule, ...]:
        """The scenarios a fact of `event_type` may open; ask each whether it `applies`."""
        return tuple(self._scenarios.get(event_type, ()))

    def compliance(self, jurisdiction: str, on_date: date) -> ComplianceProfile:
        """What `jurisdiction` asks on `on_date` (the called party's local date).

        Raises:
            InvalidEvent: the pack knows no such jurisdiction, or nothing was in force then.
        """
        return self._profile(jurisdiction, on_date)

    def reason(self, code: str, language: str) -> str:
        """The bank's code in plain words; the default words for an unknown one."""
        return self.content.reason(code, language)

    def render_sms(
        self, template_id: str, language: str, jurisdiction: str, variables: Mapping[str, object], *, on_date: date
    ) -> RenderedText:
        """The whole text of an SMS in `language`, else in the same language elsewhere, else in the pack's default.

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
        signature, opt_out = self._frame(jurisdiction, on_date, record.purpose, tag)
        text = signature + rendered(self._templates[template_id, tag], template_id, variables) + opt_out
        count = count_segments(text)
        return RenderedText(text, tag, template_id, record.version, count.encoding, count.segments)

    def flow(self, flow_id: str, language: str, variables: Mapping[str, object] = NO_VARIABLES) -> FlowScript:
        """The call flow in `language` (falling back as `render_sms` does) with its texts filled in.

        Raises:
            InvalidEvent: unknown flow, or a variable is missing.
        """
        flow = self.content.flows.get(flow_id)
        if flow is None:
            raise _unknown("flow", flow_id)
        tag, words = in_language(flow.words, language, self.default_language)
        fill = partial(self._filled, language=tag, name=flow_id, variables=variables)
        keys = (
            ScriptKey(key=digit, meaning=key.meaning, answer=fill(words.answers[key.meaning]), then=key.then)
            for digit, key in flow.keys.items()
        )
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
            keys=tuple(keys),
            key_timeout=flow.key_timeout,
            max_menus=flow.max_menus,
            transfer_number=self.content.header.brand.hotline_number,
        )

    def _profile_on(self, jurisdiction: str, on_date: date) -> ComplianceProfile:
        if jurisdiction not in self.content.compliance:
            raise _unknown("jurisdiction", jurisdiction)
        return self.content.compliance[jurisdiction].on(on_date)

    def _frame_on(self, jurisdiction: str, on_date: date, purpose: Purpose, language: str) -> tuple[str, str]:
        frame = self.compliance(jurisdiction, on_date).frame(purpose, language, self.default_language)
        before, after = (self._filled(text, language=language, name="wording", variables={}) for text in frame)
        return before, after

    def _filled(self, text: str, *, language: str, name: str, variables: Mapping[str, object]) -> str:
        return rendered(self._compiled(text, language), name, variables)


def _unknown(kind: str, name: str) -> InvalidEvent:
    return InvalidEvent(
        f"unknown_{kind}",
        field=kind,
        reason=f"the rule pack has no {kind} {name}",
        remedy="publish a pack that has it, or correct the name, and replay the event",
    )
