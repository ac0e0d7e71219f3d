"""What the loader refuses, with file, field, reason and remedy."""

from pathlib import Path

import pytest

from common.packs import InvalidPack, build_pack, load_packs
from common.packs.documents import read_texts
from tests.support.packs import POLICIES, problems_with, shipped_pack

N2 = "id: N2\n"
FAILED = "id: payment_failed_sms\n"
REQUESTED = "id: pay_link_requested_sms\n"
SOURCE = "source: {id: own, text: invented, basis: A}\n"
HOURS = (
    "id: CN\nhours:\n- {id: new, purposes: [service], channels: [sms], hours: [{start: '09:00', end: '17:00'}], "
    "effective_from: 2030-01-01, source: {id: own, text: invented, basis: A}}\n"
)


@pytest.mark.parametrize(
    ("kind", "text", "field", "reason"),
    [
        # schema
        ("journeys", FAILED + "sned: PT0S", "sned", "Extra inputs are not permitted."),
        ("journeys", FAILED + "send: 5 minutes", "send", "must be an ISO 8601 duration"),
        ("journeys", FAILED + "send: P1M", "send", "must be an ISO 8601 duration"),
        ("journeys", FAILED + "send: 300", "send", "must be an ISO 8601 duration"),
        ("journeys", FAILED + "purpose: advice", "purpose", "Input should be 'service'"),
        ("journeys", FAILED + "when: event.amount >", "when", "Syntax error"),
        ("journeys", FAILED + "when: amount > 1", "when", "unknown variable amount"),
        ("journeys", "id: new\n" + SOURCE, "send", "Field required."),
        ("journeys", FAILED + "asked_by_customer: 1", "asked_by_customer", "valid boolean"),
        ("nine_connect", N2 + "outcomes: {busy: {redial_after: PT5M, escalate: true}}", "outcomes.busy", "exactly one"),
        ("nine_connect", N2 + "first_call_after: PT11M", "", "must not be later than first_call_within"),
        ("nine_connect", N2 + "closing_result: gone", "", "results lacks gone"),
        ("nine_connect", N2 + "outcomes: null", "outcomes", "should be an object"),
        ("compliance", HOURS.replace("'17:00'", "'25:00'"), "hours.5.hours.0.end", "time of day"),
        ("compliance", HOURS.replace("'17:00'", "'08:00'"), "hours.5.hours.0", "start must be before end"),
        ("compliance", HOURS.replace("effective_from", "pauses: [{start: '08:00', end: '18:00'}], effective_from"),
         "hours.5", "no moment of the week is allowed"),
        ("flows", "id: payment_failed\nkeys: {9: {meaning: later}}", "", "keys lacks one that means opted_out"),
        ("flows", "id: payment_failed\nkeys: {5: {meaning: later}}", "", "words.zh-CN.answers lacks later"),
        # references
        ("journeys", FAILED + "template: none", "template", "none does not exist."),
        ("journeys", FAILED + "on: premium.paid.v1", "on", "there is no event premium.paid.v1."),
        ("journeys", FAILED + "on: premium.renewal_due.v1", "template", "has no field reason_code."),
        ("journeys", FAILED + "merge_key: [contract]", "merge_key", "has no field contract."),
        ("journeys", FAILED + "purpose: marketing", "purpose", "payment_failed is written for service."),
        ("journeys", FAILED + "expires_after: PT0S", "expires_after", "expires before it is sent."),
        ("journeys", FAILED + "when: event.amonut > 1.0", "when", "cannot be evaluated on the example"),
        ("journeys", FAILED + "closing_facts: [{type: claim.paid.v1, match: [policy_id, due_date]}]",
         "closing_facts.0.match", "claim.paid.v1 has no field due_date."),
        ("journeys", REQUESTED + "closing_facts: [{type: task.closed.v1, when: event.sum == 'x', match: [task_id]}]",
         "closing_facts.0.when", "cannot be evaluated"),
        ("nine_connect", N2 + "on: [premium.paid.v1]", "on", "there is no event"),
        ("nine_connect", N2 + "flow: none", "flow", "none does not exist."),
        ("nine_connect", N2 + "flow_variables: [colour]", "flow_variables", "has no field colour."),
        ("nine_connect", N2 + "purpose: marketing", "purpose", "payment_failed is written for service."),
        ("nine_connect", N2 + "deadline: {of: paid_on}", "deadline.of", "has no field paid_on."),
        ("nine_connect", N2 + "ladder: [{id: a, channel: sms, journey: b, flow: c}]",
         "ladder.a.flow", "c does not exist."),
        # texts
        ("templates", "id: payment_failed\ntext: {en: 'Hello {{ nmae }}'}", "text.en", "'nmae' is undefined."),
        ("templates", "id: payment_failed\ntext: {en: 'Hello {{ name'}", "text.en", "not a template"),
        ("templates", "id: payment_failed\ntext: {en: '{{ name.__class__.__mro__ }}'}", "text.en", "unsafe"),
        ("templates", "id: payment_failed\ntext: {en: '{{ name | money(currency) }}'}", "text.en", "does not render"),
        ("templates", "id: payment_failed\noptional: [colour]", "optional", "colour has no sample."),
        ("templates", "id: payment_failed\noptional: [name]", "text.en", "'name' is undefined."),
        ("templates", "id: new\nversion: 1\npurpose: service\nsamples: {}\ntext: {zh-CN: 好}\n" + SOURCE,
         "text", "the default language en is missing."),
        ("flows", "id: payment_failed\nwords: {en: {greeting: 'I am {{ who }}'}}", "words.en.greeting", "'who'"),
        ("compliance", "id: CN\nwording: [{id: cn-wording, signature: {en: '{{ who }}'}}]",
         "wording.cn-wording.signature.en", "'who' is undefined."),
        # dates of the law
        ("compliance", HOURS, "hours.new", "overlaps cn-hours-service-sms for service by sms."),
        ("compliance", HOURS + "- {id: cn-hours-service-sms, effective_to: 2029-06-30}",
         "hours.new", "leaves a gap after"),
        ("compliance", "id: CN\nhours: [{id: cn-hours-voice, effective_to: 2010-01-01}]", "hours.cn-hours-voice",
         "ends before it begins."),
        ("compliance", "id: CN\nopt_out: [{id: cn-opt-out, effective_to: 2029-01-01}]", "opt_out.cn-opt-out",
         "nothing is in force for opt-out words after 2029-01-01."),
        ("compliance", "id: CN\nhours: [{id: cn-hours-voice, purposes: [statutory]}]", "hours",
         "nothing is said for service by voice_bot."),
    ],
)  # fmt: skip
def test_problems_name_field_reason_and_remedy(kind: str, text: str, field: str, reason: str) -> None:
    problems = problems_with(**{kind: text})
    found = [problem for problem in problems if problem.field == field and reason in problem.reason]
    assert found, problems
    assert found[0].file.endswith(f"overlays/test/{kind.replace('_', '-')}/changed.yaml")
    assert found[0].remedy.endswith(".")


@pytest.mark.parametrize(
    ("flow", "field", "reason"),
    [
        ("keys: {3: {meaning: later}}\nwords: {zh-CN: {answers: {later: 好}}, en: {answers: {later: ok}}}",
         "meanings", "nothing follows later, which payment_failed offers."),
        ("samples: {amount: 1}\nwords: {en: {menu: 'Pay {{ amount }}'}}",
         "flow_variables", "lacks amount, which payment_failed says."),
    ],
)  # fmt: skip
def test_a_scenario_must_fit_its_flow(flow: str, field: str, reason: str) -> None:
    (problem,) = problems_with(flows="id: payment_failed\n" + flow)
    assert (problem.file, problem.field, problem.reason) == ("nine-connect/n2.yaml", field, reason)


def test_all_problems_are_told_at_once_and_read_as_sentences() -> None:
    problems = problems_with(journeys=FAILED + "sned: PT0S\nsend: soon")
    where = "journeys/payment_failed.yaml with overlays/test/journeys/changed.yaml"
    form = "an ISO 8601 duration of days, hours, minutes and seconds, such as PT10M, PT2H or P60D"
    assert [str(problem) for problem in problems] == [
        f"{where}: send: must be {form}. Correct the value.",
        f"{where}: sned: Extra inputs are not permitted. Remove it or correct its spelling.",
    ]


def test_the_same_id_twice_is_refused() -> None:
    texts = read_texts(POLICIES)
    with pytest.raises(InvalidPack) as refusal:
        build_pack({**texts, "journeys/zz.yaml": texts["journeys/payment_failed.yaml"]})
    assert {problem.reason for problem in refusal.value.problems} == {
        "payment_failed_sms is defined in journeys/payment_failed.yaml already.",
        "pay_link_requested_sms is defined in journeys/payment_failed.yaml already.",
    }


def test_the_reason_table_must_be_there() -> None:
    texts = {file: text for file, text in read_texts(POLICIES).items() if not file.startswith("reasons/")}
    with pytest.raises(InvalidPack, match="there is no table bank_codes"):
        build_pack(texts)


def test_a_folder_without_a_pack_and_an_unknown_overlay_are_named(tmp_path: Path) -> None:
    with pytest.raises(InvalidPack, match=r"pack\.yaml: there is none\."):
        load_packs(tmp_path)
    with pytest.raises(InvalidPack, match="overlays/none: no such overlay"):
        load_packs(POLICIES, "none")


def test_the_version_is_declared_and_follows_the_content() -> None:
    base, demo = shipped_pack().version, shipped_pack("demo").version
    assert base.partition("+")[0] == demo.partition("+")[0]
    assert base != demo
    assert load_packs(POLICIES, "").version == base
