"""The files of a pack as plain records: YAML without its surprises, and overlays merged by id."""

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

from common.packs.problems import PackProblem

UNREADABLE = "\ufffd"
"""What decoding puts in the place of bytes that are not UTF-8."""

HEADER_FILE = "pack.yaml"
HEADER_KIND = "pack"
OVERLAYS = "overlays"
KINDS = ("journeys", "nine-connect", "compliance", "templates", "reasons", "flows")


@dataclass(frozen=True)
class Document:
    """One record as read: where it stands and its JSON values."""

    file: str
    kind: str
    id: str
    data: Mapping[str, object]


class _Loader(yaml.CSafeLoader):
    """YAML whose plain scalars are only null, true, false and numbers: `on`, `no`, 21:00 and dates stay text."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012 - the library's attribute

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[object, object]:
        """A mapping with text keys only, each key once."""
        keys = [key.value for key, _ in node.value]
        for key in keys:
            if keys.count(key) > 1:
                raise yaml.constructor.ConstructorError(None, None, f"the key {key} stands twice", node.start_mark)
        values = super().construct_mapping(node, deep=deep)
        return {str(key): value for key, value in zip(keys, values.values(), strict=True)}


_Loader.add_implicit_resolver("tag:yaml.org,2002:bool", re.compile(r"^(?:true|false)$"), list("tf"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", re.compile(r"^(?:null|~|)$"), ["n", "~", ""])
_Loader.add_implicit_resolver("tag:yaml.org,2002:int", re.compile(r"^-?(?:0|[1-9]\d*)$"), list("-0123456789"))
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", re.compile(r"^-?\d+\.\d+$"), list("-0123456789"))


def read_texts(directory: Path, overlay: str | None = None) -> dict[str, str]:
    """The files of the pack in `directory`, or those of one of its overlays, as text by path relative to `directory`.

    Raises:
        OSError: a file cannot be read.
    """
    below = directory / OVERLAYS / overlay if overlay is not None else directory
    paths = (path for path in sorted(below.rglob("*.yaml")) if OVERLAYS not in path.relative_to(below).parts)
    return {
        path.relative_to(directory).as_posix(): path.read_text(encoding="utf-8", errors="replace") for path in paths
    }


def parse(texts: Mapping[str, str]) -> tuple[list[Document], list[PackProblem]]:
    """The records in the files, and what is wrong with those that are none."""
    documents: list[Document] = []
    problems: list[PackProblem] = []
    for file, text in sorted(texts.items()):
        try:
            documents.extend(_documents(file, text))
        except yaml.YAMLError as error:
            reason = " ".join(str(error).split())
            problems.append(
                PackProblem(file, "", f"not readable as YAML: {reason}.", "Correct the line that is named.")
            )
        except _NoRecordError as error:
            problems.append(PackProblem(file, error.field, error.reason, error.remedy))
    return documents, problems


class _NoRecordError(ValueError):
    def __init__(self, field: str, reason: str, remedy: str) -> None:
        super().__init__(reason)
        self.field, self.reason, self.remedy = field, reason, remedy


def _documents(file: str, text: str) -> Iterator[Document]:
    if UNREADABLE in text:
        raise _NoRecordError("", "is not UTF-8.", "Save it as UTF-8.")
    inside = file.removeprefix(f"{OVERLAYS}/").partition("/")[2] if file.startswith(f"{OVERLAYS}/") else file
    kind = HEADER_KIND if inside == HEADER_FILE else inside.partition("/")[0]
    if kind not in (*KINDS, HEADER_KIND):
        raise _NoRecordError("", f"lies in no known folder ({', '.join(KINDS)}).", "Move it into one of them.")
    for data in yaml.load_all(text, Loader=_Loader):
        if not isinstance(data, dict):
            raise _NoRecordError("", "holds a document that is no mapping.", "Write one record: field: value.")
        identifier = HEADER_KIND if kind == HEADER_KIND else data.get("id")
        if not isinstance(identifier, str):
            raise _NoRecordError("id", "a record has no id.", "Add an id that is unique in the folder.")
        yield Document(file, kind, identifier, data)


def merged(base: list[Document], overlay: list[Document]) -> list[Document]:
    """`base` with the records of `overlay` laid over those of the same kind and id, new ones added.

    Mappings merge field by field, lists of records with ids merge by id, everything else is replaced.
    """
    records = {(document.kind, document.id): document for document in base}
    for document in overlay:
        below = records.get((document.kind, document.id))
        data = document.data if below is None else _merge(below.data, document.data)
        assert isinstance(data, Mapping)
        file = document.file if below is None else f"{below.file} with {document.file}"
        records[document.kind, document.id] = Document(file, document.kind, document.id, data)
    return list(records.values())


def _merge(below: object, above: object) -> object:
    if isinstance(below, Mapping) and isinstance(above, Mapping):
        return {**below, **{key: _merge(below[key], value) if key in below else value for key, value in above.items()}}
    if _has_ids(below) and _has_ids(above):
        assert isinstance(below, list)
        assert isinstance(above, list)
        records = {item["id"]: item for item in below}
        for item in above:
            records[item["id"]] = _merge(records.get(item["id"], {}), item)
        return list(records.values())
    return above


def _has_ids(value: object) -> bool:
    return isinstance(value, list) and all(isinstance(item, Mapping) and "id" in item for item in value)


def content_hash(documents: list[Document]) -> str:
    """12 hex digits that change whenever a value in any record does."""
    content = sorted((document.kind, document.id, document.data) for document in documents)
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.blake2b(canonical.encode(), digest_size=6).hexdigest()
