"""The generated schemas are fresh, describe what the codec accepts, and the AsyncAPI document is one."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft7Validator, Draft202012Validator, FormatChecker
from pydantic import ValidationError
from referencing import Registry, Resource

from common.events.asyncapi import example_event
from common.events.generate import SCHEMAS, documents, main, stale
from common.events.json_schemas import DIALECT
from common.events.model import Fact
from common.events.registry import MODELS, MODELS_BY_TOPIC
from common.events.topics import TOPICS

OFFICIAL = Path(__file__).parent / "asyncapi-3.0.0.json"


def load(name: str) -> Any:
    return json.loads((SCHEMAS / name).read_text())


def validator(model: type[Fact]) -> Draft202012Validator:
    return Draft202012Validator(load(f"events/{model.TYPE}.json"), format_checker=FormatChecker())


@pytest.fixture(scope="module")
def asyncapi() -> Any:
    return yaml.safe_load((SCHEMAS / "asyncapi.yaml").read_text())


def test_what_is_generated_is_fresh() -> None:
    assert stale(SCHEMAS) == [], "run `make schemas`"


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS.keys())
class TestEachType:
    def test_example_fits_its_schema(self, model: type[Fact]) -> None:
        schema = load(f"events/{model.TYPE}.json")
        Draft202012Validator.check_schema(schema)
        assert schema["$schema"] == DIALECT
        for example in (*schema["examples"], json.loads(json.dumps(model.EXAMPLE))):
            validator(model).validate(example)

    def test_required_field_that_lacks_is_refused_by_schema_and_model_alike(self, model: type[Fact]) -> None:
        schema = load(f"events/{model.TYPE}.json")
        for name in schema.get("required", ()):
            content = {key: value for key, value in schema["examples"][0].items() if key != name}
            assert not validator(model).is_valid(content)
            with pytest.raises(ValidationError):
                model.model_validate(content)

    def test_unknown_field_is_allowed_so_that_producers_may_add(self, model: type[Fact]) -> None:
        content = {**model.EXAMPLE, "added_by_a_later_producer": {"deep": [1]}}
        validator(model).validate(json.loads(json.dumps(content)))
        assert model.model_validate(content) == model.example()

    def test_whole_event_fits_the_message_of_the_document(self, model: type[Fact], asyncapi: Any) -> None:
        registry: Registry[Any] = Registry().with_resources(
            (f"./{name}", Resource.from_contents(json.loads(text)))
            for name, text in documents().items()
            if name.endswith(".json")
        )
        message = asyncapi["components"]["messages"][model.__name__]
        payload = Draft202012Validator(message["payload"], registry=registry)
        payload.validate(example_event(model))
        assert message["examples"][0]["payload"] == example_event(model)
        assert not payload.is_valid({**example_event(model), "type": "another.type.v1"})
        assert not payload.is_valid({**example_event(model), "specversion": "0.3"})


class TestAsyncApi:
    def test_document_is_valid_by_the_official_schema(self, asyncapi: Any) -> None:
        official = Draft7Validator(json.loads(OFFICIAL.read_text()))
        assert [error.message[:200] for error in official.iter_errors(asyncapi)] == []

    def test_official_schema_would_notice(self, asyncapi: Any) -> None:
        official = Draft7Validator(json.loads(OFFICIAL.read_text()))
        for broken in (
            {**asyncapi, "asyncapi": "2.6.0"},
            {**asyncapi, "operations": {"x": {"action": "publish", "channel": {"$ref": "#/channels/policyEventsV1"}}}},
            {**asyncapi, "channels": {"x": {"address": 3}}},
        ):
            assert not official.is_valid(broken)

    def test_every_reference_inside_the_document_leads_somewhere(self, asyncapi: Any) -> None:
        for reference in references(asyncapi):
            if reference.startswith("#/"):
                target = asyncapi
                for part in reference[2:].split("/"):
                    target = target[part]
            else:
                assert (SCHEMAS / reference).exists()

    def test_topics_are_those_of_the_code(self, asyncapi: Any) -> None:
        channels = {channel["address"]: channel for channel in asyncapi["channels"].values()}
        assert channels.keys() == {name for name in TOPICS if not name.endswith("-state.v1")}
        for name, channel in channels.items():
            assert channel["bindings"]["kafka"]["partitions"] == TOPICS[name].partitions
        for name, models in MODELS_BY_TOPIC.items():
            assert channels[name]["messages"].keys() == {model.__name__ for model in models.values()}


def references(node: Any) -> list[str]:
    if isinstance(node, list):
        return [found for part in node for found in references(part)]
    if not isinstance(node, dict):
        return []
    own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
    return own + [found for part in node.values() for found in references(part)]


class TestGenerate:
    def test_check_names_what_is_stale_and_changes_nothing(
        self, tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        assert main(["--out", str(tmp_path)]) == 0
        capsys.readouterr()
        (tmp_path / "cloudevent.json").write_text("{}")
        (tmp_path / "events/premium.payment_failed.v1.json").unlink()
        (tmp_path / "events/premium.forgotten.v1.json").write_text("{}")

        assert main(["--check", "--out", str(tmp_path)]) == 1

        said = capsys.readouterr()
        assert [line.rpartition("/")[2] for line in said.out.splitlines()] == [
            "cloudevent.json",
            "premium.forgotten.v1.json",
            "premium.payment_failed.v1.json",
        ]
        assert "make schemas" in said.err
        assert (tmp_path / "cloudevent.json").read_text() == "{}"

    def test_writing_repairs_it(self, tmp_path: Path) -> None:
        main(["--out", str(tmp_path)])
        (tmp_path / "cloudevent.json").write_text("{}")
        (tmp_path / "events/premium.forgotten.v1.json").write_text("{}")
        main(["--out", str(tmp_path)])
        assert stale(tmp_path) == []
        assert main(["--check", "--out", str(tmp_path)]) == 0
