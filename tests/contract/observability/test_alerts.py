"""Alerts, metrics and the runbook agree: no alert without its metric and heading, no heading without its alert."""

import re
from inspect import getmembers, isfunction
from pathlib import Path
from typing import Any

import pytest
import yaml

from common.events.topics import CUSTOMER_PARTITIONS
from common.observability.metric_list import METRICS, Kind, MetricSpec
from common.observability.metrics import Metrics

ROOT = Path(__file__).parents[3]
ALERTS = ROOT / "deploy" / "monitoring" / "alerts.yaml"
RUNBOOK = ROOT / "docs" / "runbook.md"
SECTIONS = ("**Meaning.**", "**Impact.**", "**Diagnosis.**", "**Mitigation.**")
TARGET_LABELS = {"job", "instance"}


def rules() -> list[dict[str, Any]]:
    return [rule for group in yaml.safe_load(ALERTS.read_text())["groups"] for rule in group["rules"]]


def exposed() -> dict[str, MetricSpec]:
    names: dict[str, MetricSpec] = {}
    for spec in METRICS:
        suffixes = ("_bucket", "_count", "_sum") if spec.kind is Kind.HISTOGRAM else ("",)
        names |= {spec.name + suffix: spec for suffix in suffixes}
    return names


def metrics_in(expression: str) -> set[str]:
    return set(re.findall(r"\bnineconnect_\w+", re.sub(r'"[^"]*"', "", expression)))


def labels_in(expression: str) -> set[str]:
    grouped = re.findall(r"\b(?:by|on) \(([^)]*)\)", expression)
    matched = re.findall(r"(\w+)\s*(?:=~|!~|!=|=)\s*\"", expression)
    return {name.strip() for group in grouped for name in group.split(",")} | set(matched)


def headings() -> dict[str, str]:
    parts = re.split(r"^## (.+)$", RUNBOOK.read_text(), flags=re.MULTILINE)[1:]
    return dict(zip(parts[::2], parts[1::2], strict=True))


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule["alert"]))
def test_an_alert_speaks_of_metrics_that_exist(rule: dict[str, Any]) -> None:
    names = metrics_in(rule["expr"])
    assert names <= exposed().keys()
    known = TARGET_LABELS | {"le"} | {label.name for name in names for label in exposed()[name].labels}
    assert labels_in(rule["expr"]) <= known


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: str(rule["alert"]))
def test_an_alert_leads_to_its_heading(rule: dict[str, Any]) -> None:
    assert rule["annotations"]["runbook"] == f"docs/runbook.md#{rule['alert'].lower()}"
    assert rule["annotations"]["summary"]
    assert rule["labels"]["severity"] in {"warning", "critical"}
    section = headings()[rule["alert"]]
    assert [section.count(part) for part in SECTIONS] == [1, 1, 1, 1]


def test_the_runbook_has_no_heading_of_an_alert_that_is_gone() -> None:
    assert list(headings()) == [rule["alert"] for rule in rules()]


def test_what_must_be_watched_is_watched() -> None:
    watched = set().union(*(metrics_in(rule["expr"]) for rule in rules()))
    assert watched >= {
        "nineconnect_audited_up_to_age_seconds",
        "nineconnect_audit_gaps_healed_total",
        "nineconnect_outbox_age_seconds",
        "nineconnect_due_lateness_seconds_bucket",
        "nineconnect_dead_letters_total",
        "nineconnect_outcome_unknown_open",
        "nineconnect_store_unavailable_total",
        "nineconnect_ready",
        "nineconnect_shards_owned",
    }


def test_the_number_of_shards_in_the_alert_is_the_real_one() -> None:
    (rule,) = (rule for rule in rules() if rule["alert"] == "NineconnectShardsNotCovered")
    assert str(CUSTOMER_PARTITIONS) in rule["expr"].split()


def test_every_metric_is_fed_by_somebody() -> None:
    """A metric that nothing counts is a promise that is not kept; so is an alert on it."""
    methods = {name for name, _ in getmembers(Metrics, isfunction) if not name.startswith("_")}
    facade = ROOT / "common" / "observability" / "metrics.py"
    sources = [path for folder in ("common", "services") for path in (ROOT / folder).rglob("*.py") if path != facade]
    used = set(re.findall(r"metrics\.(\w+)", "\n".join(path.read_text() for path in sources)))
    assert methods <= used


def test_the_runbook_names_only_metrics_that_exist() -> None:
    assert metrics_in(RUNBOOK.read_text()) <= exposed().keys() | {spec.name for spec in METRICS}
