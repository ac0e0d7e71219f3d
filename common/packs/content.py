"""The validated records a pack is made of."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field

from common.packs.compliance import ComplianceFile
from common.packs.flows import CallFlow
from common.packs.journeys import JourneyRule
from common.packs.reasons import ReasonTable
from common.packs.records import LanguageTag, LocalText, Record, in_language
from common.packs.scenarios import ScenarioRule
from common.packs.templates import TemplateRecord

BANK_CODES = "bank_codes"
"""The reason table that a pack must have."""


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
class PackContent:
    """All records by id."""

    header: PackHeader
    journeys: Mapping[str, JourneyRule]
    scenarios: Mapping[str, ScenarioRule]
    compliance: Mapping[str, ComplianceFile]
    templates: Mapping[str, TemplateRecord]
    reasons: Mapping[str, ReasonTable]
    flows: Mapping[str, CallFlow]

    def constants(self, language: str) -> dict[str, str]:
        """The names every text may use."""
        brand, default = self.header.brand, self.header.default_language
        texts = {"company": brand.company, "hotline": brand.hotline}
        return {name: in_language(text, language, default)[1] for name, text in texts.items()}

    def reason(self, code: str, language: str) -> str:
        """The bank's code in plain words; the default words for an unknown one."""
        return self.reasons[BANK_CODES].words(code, language, self.header.default_language)
