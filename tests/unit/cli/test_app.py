"""The command as a whole: help everywhere, and words instead of tracebacks when Kafka is not there."""

import json
from typing import Any

import pytest
from typer.testing import CliRunner

from cli.app import build_app
from common.events.upstream import PremiumPaymentFailed
from tests.support.ports import free_port

GOOD = {"type": PremiumPaymentFailed.TYPE, "customer_id": "c-1", "data": dict(PremiumPaymentFailed.EXAMPLE)}


def run(*arguments: str, lines: str | None = None, **environment: str) -> Any:
    environment.setdefault("COLUMNS", "200")
    return CliRunner().invoke(build_app(), list(arguments), input=lines, env=environment)


@pytest.mark.parametrize(
    "command",
    [
        ["topics", "ensure"],
        ["topics", "list"],
        ["sample"],
        ["publish"],
        ["dlq", "list"],
        ["dlq", "replay"],
        ["held", "list"],
        ["explain"],
    ],
)
def test_every_command_explains_itself(command: list[str]) -> None:
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert "Usage:" in result.output


@pytest.mark.parametrize(
    "command",
    [
        ["topics", "ensure"],
        ["topics", "list"],
        ["publish", "-"],
        ["dlq", "list"],
        ["dlq", "replay", "--all"],
        ["held", "list"],
        ["explain", "--customer", "c-1"],
    ],
)
def test_absent_kafka_is_said_with_a_remedy(command: list[str]) -> None:
    address = f"127.0.0.1:{free_port()}"
    result = run(*command, lines=json.dumps(GOOD), KAFKA_BOOTSTRAP_SERVERS=address)
    assert result.exit_code == 3
    assert f"Kafka at {address} does not answer" in result.stderr
    assert "--bootstrap or KAFKA_BOOTSTRAP_SERVERS" in result.stderr


class TestWhereKafkaIs:
    def test_option_wins_over_the_environment(self) -> None:
        said = run("topics", "list", "--bootstrap", "127.0.0.1:1", KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:2").stderr
        assert "127.0.0.1:1 " in said

    def test_local_broker_by_port_base(self) -> None:
        base = free_port()
        said = run("topics", "list", KAFKA_BOOTSTRAP_SERVERS="", PORT_BASE=str(base)).stderr
        assert f"127.0.0.1:{base + 92} " in said

    def test_port_base_that_is_none_is_named(self) -> None:
        result = run("topics", "list", KAFKA_BOOTSTRAP_SERVERS="", PORT_BASE="many")
        assert result.exit_code == 2
        assert "PORT_BASE must be a port number" in result.output


class TestPublishWithoutKafka:
    def test_wrong_line_stops_all_before_anything_is_asked_of_kafka(self) -> None:
        lines = "\n".join([json.dumps(GOOD), "", json.dumps({**GOOD, "type": "premium.forgotten.v1"}), "{"])
        result = run("publish", "-", "--all-or-nothing", lines=lines, KAFKA_BOOTSTRAP_SERVERS="127.0.0.1:1")
        assert result.exit_code == 1
        assert "published 0, refused 2" in result.stdout
        third, fourth = result.stderr.splitlines()
        assert third.startswith("line 3, field type: ")
        assert fourth == (
            "line 4: the value is not valid JSON (not_json). To do: publish a CloudEvents 1.0 JSON object"
        )

    def test_file_that_is_not_there(self) -> None:
        assert run("publish", "/nowhere/events.jsonl").exit_code == 2


class TestReplayNeedsAChoice:
    @pytest.mark.parametrize(
        "options",
        [
            [],
            ["--topic", "policy-events.v1"],
            ["--topic", "policy-events.v1", "--partition", "1"],
            ["--all", "--offset", "3"],
        ],
    )
    def test_incomplete_choice_is_refused(self, options: list[str]) -> None:
        result = run("dlq", "replay", *options)
        assert result.exit_code == 2
        assert "--topic, --partition and --offset together, or --all" in " ".join(result.output.split())

    def test_topic_that_has_no_dead_letters(self) -> None:
        result = run("dlq", "list", "--topic", "notifier-state.v1")
        assert result.exit_code == 2
        assert "policy-events.v1" in result.output


@pytest.mark.parametrize("words", [["--customer", "Lin Example"], ["--customer", "c-1", "--zone", "Asia/Nowhere"]])
def test_explain_refuses_what_is_no_id_or_zone(words: list[str]) -> None:
    assert run("explain", *words).exit_code == 2
