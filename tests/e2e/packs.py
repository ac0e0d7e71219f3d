"""The rule pack of the end-to-end stack: the shipped one with the demo overlay, a little quicker, and honest nights."""

import shutil
from pathlib import Path

import yaml

from tests.support.packs import POLICIES

OVERLAY = "demo"

NIGHTS = "CN"
"""Jurisdiction whose customers keep the shipped calling hours, caps and pauses; all others follow the demo overlay."""

TEXTS_ONLY = "UK"
"""Jurisdiction whose customers may get messages at any hour, but calls only from `CALLS_FROM` to `CALLS_UNTIL`."""

CALLS_FROM, CALLS_UNTIL = "15:00", "16:00"

FIRST_CALL_AFTER, REDIAL_AFTER, REDIAL_PAUSE = "PT3S", "PT2S", "PT1S"
"""Instead of the demo overlay's: a test has less patience than a person."""

REDIALLED = ("busy", "no_answer", "machine", "failed")


def write_policies(directory: Path) -> Path:
    """Makes `directory` a rule pack for `load_packs(directory, OVERLAY)`; returns it."""
    shutil.copytree(POLICIES, directory)
    overlay = directory / "overlays" / OVERLAY
    scenario = overlay / "nine-connect" / "n2.yaml"
    demo = yaml.safe_load(scenario.read_text())
    outcomes = {**demo["outcomes"], **{outcome: {"redial_after": REDIAL_AFTER} for outcome in REDIALLED}}
    scenario.write_text(yaml.safe_dump({**demo, "first_call_after": FIRST_CALL_AFTER, "outcomes": outcomes}))
    compliance = overlay / "compliance" / "all_day.yaml"
    records = list(yaml.safe_load_all(compliance.read_text()))
    compliance.write_text(yaml.safe_dump_all([_changed(record) for record in records if record["id"] != NIGHTS]))
    return directory


def _changed(record: dict[str, object]) -> dict[str, object]:
    dialing = [{"id": f"{str(record['id']).lower()}-dialing", "min_redial": REDIAL_PAUSE}]
    if record["id"] != TEXTS_ONLY:
        return {**record, "dialing": dialing}
    texts = {"id": "uk-hours-service", "channels": ["sms"], "hours": [{"start": "00:00", "end": "24:00"}]}
    calls = {
        "id": "uk-hours-calls",
        "purposes": ["service", "statutory"],
        "channels": ["voice_bot", "voice_human"],
        "hours": [{"start": CALLS_FROM, "end": CALLS_UNTIL}],
        "effective_from": "2020-01-01",
        "source": {"id": "test", "text": "Invented for a test", "basis": "A"},
    }
    return {**record, "dialing": dialing, "hours": [texts, calls]}
