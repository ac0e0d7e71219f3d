"""The models: every type of the design is there, examples are honest, the ledger holds no personal data."""

from typing import Any

import pytest
from pydantic import BaseModel, ValidationError

from common.events import ledger, upstream
from common.events.model import DecisionRecord, Fact, LedgerFact
from common.events.profiles import CustomerProfile
from common.events.registry import LEDGER_MODELS, MODELS, MODELS_BY_TOPIC, UPSTREAM_MODELS, topic_of
from common.events.vocabulary import Purpose
from common.privacy import mask_number

DESIGN = """
policy.issued policy.changed policy.lapsed policy.reinstated policy.orphaned policy.reissued policy.surrendered
premium.renewal_due premium.payment_failed premium.payment_succeeded
claim.reported claim.stage_changed claim.documents_missing claim.documents_received claim.paid
benefit.payout_due
journey.operation_failed journey.operation_over_limit journey.operation_abandoned journey.operation_completed
hotline.call_abandoned hotline.bot_unresolved hotline.transfer_failed
complaint.received complaint.materials_missing complaint.materials_complete complaint.decided
referral.created referral.answered customer.milestone emergency.declared emergency.lifted
"""
LEDGER = """
fact.held fact.released fact.ignored
notification.scheduled notification.held notification.suppressed notification.cancelled
notification.attempt_reserved notification.accepted notification.refused notification.outcome_unknown
notification.reconciled notification.sent notification.delivered notification.undelivered notification.failed
task.opened task.fact_joined task.call_ordered task.call_outcome_recorded task.attempt_scheduled task.escalated
task.closed
call.queued call.dialing call.accepted call.refused call.outcome_unknown call.reconciled call.ringing call.answered
call.key_pressed call.machine_detected call.ended call.cancelled
contact.opted_out
"""
PERSONAL = {"name", "phone_number", "to", "body", "text", "address", "birth_date", "customer_name", "recipient"}


def versioned(words: str) -> set[str]:
    return {f"{word}.v1" for word in words.split()}


class TestRegistry:
    def test_every_upstream_fact_of_the_design_has_a_model_and_no_other(self) -> None:
        assert UPSTREAM_MODELS.keys() == versioned(DESIGN)

    def test_every_ledger_event_of_the_path_has_a_model(self) -> None:
        assert versioned(LEDGER) <= LEDGER_MODELS.keys()

    def test_no_type_stands_on_two_topics(self) -> None:
        assert len(MODELS) == sum(len(models) for models in MODELS_BY_TOPIC.values())

    def test_names_say_the_type(self) -> None:
        for event_type, model in MODELS.items():
            domain, fact, _ = event_type.split(".")
            words = fact.split("_") if model is CustomerProfile else [domain, *fact.split("_")]
            assert model.__name__.removeprefix("Customer").lower() == "".join(words).removeprefix("customer")

    def test_topic_of_a_type(self) -> None:
        assert topic_of("premium.payment_failed.v1") == "policy-events.v1"
        assert topic_of("customer.profile.v1") == "customer-profiles.v1"
        assert topic_of("task.opened.v1") == "outreach-events.v1"
        with pytest.raises(KeyError):
            topic_of("premium.forgotten.v1")

    def test_everything_a_domain_module_defines_is_exported(self) -> None:
        for package, models in ((upstream, UPSTREAM_MODELS), (ledger, LEDGER_MODELS)):
            assert {model.TYPE for model in typed(Fact) if model.__module__.startswith(package.__name__)} == set(models)


def typed(kind: type[Fact]) -> list[type[Fact]]:
    """Every subclass that is an event type of its own."""
    found = [model for model in kind.__subclasses__() if "TYPE" in vars(model)]
    return found + [model for child in kind.__subclasses__() for model in typed(child)]


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS.keys())
class TestEachModel:
    def test_example_is_whole(self, model: type[Fact]) -> None:
        example = model.example()
        assert type(example) is model
        assert set(model.EXAMPLE) <= set(model.model_fields), "the example shows no field that does not exist"

    def test_survives_json(self, model: type[Fact]) -> None:
        example = model.example()
        assert model.model_validate_json(example.model_dump_json()) == example

    def test_frozen(self, model: type[Fact]) -> None:
        example = model.example()
        with pytest.raises(ValidationError):
            setattr(example, next(iter(model.model_fields)), None)

    def test_docstring_says_what_it_means(self, model: type[Fact]) -> None:
        assert model.__doc__
        assert model.__doc__ != model.__mro__[1].__doc__


@pytest.mark.parametrize("model", LEDGER_MODELS.values(), ids=LEDGER_MODELS.keys())
class TestLedger:
    def test_names_no_person(self, model: type[LedgerFact]) -> None:
        assert not PERSONAL & field_names(model)

    def test_carries_a_decision(self, model: type[LedgerFact]) -> None:
        decided = model.model_validate({**model.EXAMPLE, "decision": DECISION})
        assert decided.decision is not None
        assert decided.decision.inputs == DECISION["inputs"]

    def test_whole_number_is_refused_where_a_masked_one_belongs(self, model: type[LedgerFact]) -> None:
        if "masked_number" in model.model_fields:
            model.model_validate({**model.EXAMPLE, "masked_number": mask_number("+447700900123")})
            with pytest.raises(ValidationError):
                model.model_validate({**model.EXAMPLE, "masked_number": "+447700900123"})


DECISION: dict[str, Any] = {
    "rule_id": "payment_failed/sms",
    "pack_version": "2026-11-01+3f9a",
    "inputs": {"text": "x", "count": 3, "share": 0.5, "yes": True, "unknown": None},
    "reason": "because",
}


def field_names(model: type[BaseModel]) -> set[str]:
    return set(model.model_fields) - {"decision"}


class TestDecisionRecord:
    def test_kinds_of_inputs_survive(self) -> None:
        record = DecisionRecord.model_validate(DECISION)
        again = DecisionRecord.model_validate_json(record.model_dump_json())
        assert {name: type(value) for name, value in again.inputs.items()} == {
            "text": str,
            "count": int,
            "share": float,
            "yes": bool,
            "unknown": type(None),
        }


class TestProfile:
    def test_consent_by_purpose(self) -> None:
        profile = CustomerProfile.example()
        assert profile.consent[Purpose.SERVICE].granted
        assert Purpose.MARKETING not in profile.consent

    @pytest.mark.parametrize("number", ["+12025550143", "+447700900123", "+441632960123", "+8613800138000"])
    def test_fictional_and_real_numbers_are_numbers(self, number: str) -> None:
        profile = {**CustomerProfile.EXAMPLE, "phone_numbers": [{"phone_number": number}]}
        assert CustomerProfile.model_validate(profile).phone_numbers[0].phone_number == number

    @pytest.mark.parametrize("number", ["", "12025550143", "+1202555", "+1 202 555 0143", "0044", "+0123456789"])
    def test_others_are_not(self, number: str) -> None:
        with pytest.raises(ValidationError):
            CustomerProfile.model_validate({**CustomerProfile.EXAMPLE, "phone_numbers": [{"phone_number": number}]})

    def test_customer_without_a_number_is_known_all_the_same(self) -> None:
        assert CustomerProfile.model_validate({**CustomerProfile.EXAMPLE, "phone_numbers": []}).phone_numbers == ()
