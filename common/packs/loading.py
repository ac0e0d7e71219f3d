"""From files to a pack: read, merge overlays, validate everything, refuse with all problems at once."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails, to_json

from common.packs.checks import check_content
from common.packs.compliance import ComplianceFile
from common.packs.content import PackContent, PackHeader
from common.packs.documents import (
    HEADER_FILE,
    HEADER_KIND,
    OVERLAYS,
    Document,
    content_hash,
    merged,
    parse,
    read_texts,
)
from common.packs.flows import CallFlow
from common.packs.journeys import JourneyRule
from common.packs.pack import Pack
from common.packs.problems import InvalidPack, PackProblem, Place
from common.packs.reasons import ReasonTable
from common.packs.records import Record
from common.packs.scenarios import ScenarioRule
from common.packs.templates import TemplateRecord

_R = TypeVar("_R", bound=Record)

MODELS: Mapping[str, type[Record]] = {
    HEADER_KIND: PackHeader,
    "journeys": JourneyRule,
    "nine-connect": ScenarioRule,
    "compliance": ComplianceFile,
    "templates": TemplateRecord,
    "reasons": ReasonTable,
    "flows": CallFlow,
}

REMEDIES = {
    "missing": "Add the field.",
    "extra_forbidden": "Remove it or correct its spelling.",
    "enum": "Use one of the values named.",
    "string_pattern_mismatch": "Write it in the form named.",
}


def load_packs(directory: Path, *overlays: str) -> Pack:
    """The pack in `directory`, with the named overlays of `directory/overlays` laid over it in order.

    An empty name is no overlay, so that a setting can be passed on as it is.

    Raises:
        InvalidPack: something is wrong; every problem found is listed with file, field, reason and remedy.
    """
    named = [name for name in overlays if name]
    if missing := [name for name in named if not (directory / OVERLAYS / name).is_dir()]:
        _refuse(
            Place(f"{OVERLAYS}/{name}").problem("no such overlay.", "Name a folder in overlays.") for name in missing
        )
    return build_pack(*(read_texts(directory, overlay) for overlay in (None, *named)))


def build_pack(*layers: Mapping[str, str]) -> Pack:
    """A pack from file texts by path relative to the pack: the base, then its overlays (`overlays/<name>/…`).

    Raises:
        InvalidPack: as for `load_packs`.
    """
    documents: list[Document] = []
    problems: list[PackProblem] = []
    for texts in layers:
        layer, wrong = parse(texts)
        problems += [*wrong, *_repeated(layer)]
        documents = merged(documents, layer)
    if (HEADER_KIND, HEADER_KIND) not in {(document.kind, document.id) for document in documents}:
        problems.append(Place(HEADER_FILE).problem("there is none.", "Add it, or name the folder of a pack."))
    records, wrong = _validated(documents)
    _refuse([*problems, *wrong])
    content = _content(records)
    files = {(document.kind, document.id): document.file for document in documents}
    _refuse(check_content(content, files))
    return Pack(content, f"{content.header.version}+{content_hash(documents)}")


def _refuse(problems: Iterable[PackProblem]) -> None:
    if found := tuple(sorted(set(problems))):
        raise InvalidPack(found)


def _repeated(documents: list[Document]) -> list[PackProblem]:
    seen: dict[tuple[str, str], str] = {}
    problems = []
    for document in documents:
        key = (document.kind, document.id)
        if key in seen:
            reason = f"{document.id} is defined in {seen[key]} already."
            problems.append(PackProblem(document.file, "id", reason, "Give each record of a kind its own id."))
        seen[key] = document.file
    return problems


def _validated(documents: list[Document]) -> tuple[dict[str, dict[str, Record]], list[PackProblem]]:
    records: dict[str, dict[str, Record]] = {kind: {} for kind in MODELS}
    problems: list[PackProblem] = []
    for document in documents:
        data = {"id": document.id, **document.data}
        try:
            # JSON mode reads ISO dates, lists and enum values strictly, as they stand in a file or on a topic.
            records[document.kind][document.id] = MODELS[document.kind].model_validate_json(to_json(data))
        except ValidationError as error:
            problems += [_problem(document.file, detail) for detail in error.errors(include_url=False)]
    return records, problems


def _problem(file: str, detail: ErrorDetails) -> PackProblem:
    field = ".".join(str(part) for part in detail["loc"])
    reason = detail["msg"].removeprefix("Value error, ").rstrip(".") + "."
    return PackProblem(file, field, reason, REMEDIES.get(detail["type"], "Correct the value."))


def _content(records: dict[str, dict[str, Record]]) -> PackContent:
    def of(kind: str, model: type[_R]) -> dict[str, _R]:
        return {name: record for name, record in records[kind].items() if isinstance(record, model)}

    return PackContent(
        header=of(HEADER_KIND, PackHeader)[HEADER_KIND],
        journeys=of("journeys", JourneyRule),
        scenarios=of("nine-connect", ScenarioRule),
        compliance=of("compliance", ComplianceFile),
        templates=of("templates", TemplateRecord),
        reasons=of("reasons", ReasonTable),
        flows=of("flows", CallFlow),
    )
