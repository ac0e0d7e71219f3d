"""Writes `schemas/` from the models, or checks that it is fresh: `python -m common.events.generate [--check]`."""

import argparse
import json
import sys
from collections.abc import Mapping
from pathlib import Path

import yaml

from common.events.asyncapi import document
from common.events.json_schemas import content_schema, envelope_schema
from common.events.registry import MODELS

CONTRACTS_VERSION = "1.0.0"
"""Semantic version of all contracts together: a new event or optional field raises the middle number."""

SCHEMAS = Path(__file__).resolve().parents[2] / "schemas"

_GENERATED = ("asyncapi.yaml", "cloudevent.json", "events/*.json")


def documents() -> Mapping[str, str]:
    """Path below `schemas/` → text, for everything that is generated."""
    texts = {f"events/{name}.json": _json(content_schema(model)) for name, model in MODELS.items()}
    texts["cloudevent.json"] = _json(envelope_schema())
    texts["asyncapi.yaml"] = yaml.safe_dump(document(CONTRACTS_VERSION), sort_keys=False, allow_unicode=True, width=120)
    return texts


def stale(directory: Path) -> list[str]:
    """Paths below `directory` that are missing, differ from the models, or belong to no model any more."""
    wanted = documents()
    present = {path.relative_to(directory).as_posix() for pattern in _GENERATED for path in directory.glob(pattern)}
    differing = {name for name in present & wanted.keys() if (directory / name).read_text() != wanted[name]}
    return sorted(differing | present ^ wanted.keys())


def write(directory: Path) -> list[str]:
    """Makes `directory` fresh; returns what had to change."""
    wanted, changed = documents(), stale(directory)
    for name in changed:
        path = directory / name
        if name in wanted:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(wanted[name])
        else:
            path.unlink()
    return changed


def main(arguments: list[str] | None = None) -> int:
    """The command; returns the exit code, 1 when `--check` finds something stale."""
    parser = argparse.ArgumentParser(prog="python -m common.events.generate", description=__doc__)
    parser.add_argument("--check", action="store_true", help="change nothing; fail when something is stale")
    parser.add_argument("--out", type=Path, default=SCHEMAS, help="default: %(default)s")
    options = parser.parse_args(arguments)
    names = stale(options.out) if options.check else write(options.out)
    word = "stale" if options.check else "written"
    for name in names:
        print(f"{word}: {options.out.name}/{name}")
    if options.check and names:
        print("run `make schemas` and commit the result", file=sys.stderr)
        return 1
    return 0


def _json(schema: object) -> str:
    return json.dumps(schema, indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.exit(main())
