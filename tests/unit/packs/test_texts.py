"""What customers read and hear, rendered from the shipped pack."""

from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from timeit import repeat

import pytest

from common.errors import InvalidEvent
from common.events.upstream import PremiumPaymentFailed
from common.packs import AfterKey, Encoding
from common.packs.formats import long_date, money
from tests.support.packs import pack_with, shipped_pack

PACK = shipped_pack()
TODAY = date(2026, 11, 20)
VARIABLES: Mapping[str, object] = {**PremiumPaymentFailed.example().model_dump(), "name": "Lin"}
CHINESE = (
    "【示例人寿】Lin您好，您尾号0451的保单应于2026年11月20日交纳的保费3,650.00元未交费成功，原因：账户余额不足。"
    "保障在宽限期内继续有效，请在App内重新交费。如已交费请忽略，咨询+1 202-555-0199。"
)
ENGLISH = (
    "Lin, the premium of CN¥3,650.00 due November 20, 2026 for policy ..0451 was not paid: not enough money in the "
    "account. You stay covered for now; please pay again in the app. If you have paid, ignore this. "
    "Help: +1 202-555-0199"
)


@pytest.mark.parametrize(
    ("language", "jurisdiction", "text", "used", "encoding"),
    [
        ("zh-CN", "CN", CHINESE, "zh-CN", Encoding.UCS2),
        ("zh-CN", "US", CHINESE + "回复STOP退订", "zh-CN", Encoding.UCS2),
        ("en", "CN", "[Example Life] " + ENGLISH, "en", Encoding.GSM7),
        ("en", "US", "Example Life: " + ENGLISH + " Reply STOP to opt out", "en", Encoding.GSM7),
        ("en-GB", "UK", "Example Life: " + ENGLISH, "en", Encoding.GSM7),  # the same language elsewhere
        ("zh-HK", "CN", CHINESE, "zh-CN", Encoding.UCS2),
        ("fr", "UK", "Example Life: " + ENGLISH, "en", Encoding.GSM7),  # the pack's default
    ],
)
def test_a_failed_payment_in_the_customers_language(
    language: str, jurisdiction: str, text: str, used: str, encoding: Encoding
) -> None:
    message = PACK.render_sms("payment_failed", language, jurisdiction, VARIABLES, on_date=TODAY)
    assert (message.text, message.language, message.encoding) == (text, used, encoding)
    assert (message.template_id, message.template_version, message.segments) == ("payment_failed", 1, 2)


def test_variables_read_back_from_json_give_the_same_text() -> None:
    stored = {**PremiumPaymentFailed.example().model_dump(mode="json"), "name": "Lin"}
    assert PACK.render_sms("payment_failed", "zh-CN", "CN", stored, on_date=TODAY).text == CHINESE


@pytest.mark.parametrize("language", ["zh-CN", "en"])
def test_how_to_pay_needs_no_variables_and_two_segments(language: str) -> None:
    message = PACK.render_sms("how_to_pay", language, "CN", {}, on_date=TODAY)
    assert message.segments == 2
    assert "http" not in message.text  # links are not delivered in mainland China


@pytest.mark.parametrize(
    ("template", "jurisdiction", "left_out", "code"),
    [
        ("none", "CN", "", "unknown_template"),
        ("payment_failed", "XX", "", "unknown_jurisdiction"),
        ("payment_failed", "CN", "name", "template_not_renderable"),
    ],
)
def test_what_cannot_be_rendered_is_refused(template: str, jurisdiction: str, left_out: str, code: str) -> None:
    variables = {name: value for name, value in VARIABLES.items() if name != left_out}
    with pytest.raises(InvalidEvent) as refusal:
        PACK.render_sms(template, "zh-CN", jurisdiction, variables, on_date=TODAY)
    assert refusal.value.code == code


@pytest.mark.parametrize("amount", ["many", None, "NaN-1"])
def test_an_amount_that_is_none_is_refused(amount: object) -> None:
    with pytest.raises(InvalidEvent, match="template_not_renderable"):
        PACK.render_sms("payment_failed", "en", "US", {**VARIABLES, "amount": amount}, on_date=TODAY)


def test_optional_variables_may_be_left_out() -> None:
    pack = pack_with(
        templates="id: how_to_pay\nsamples: {product: Evergreen}\noptional: [product]\n"
        "text: {en: 'How to pay{% if product is defined %} {{ product }}{% endif %}'}"
    )
    given = {"product": "Evergreen"}
    assert pack.render_sms("how_to_pay", "en", "UK", {}, on_date=TODAY).text == "Example Life: How to pay"
    assert pack.render_sms("how_to_pay", "en", "UK", given, on_date=TODAY).text == "Example Life: How to pay Evergreen"


def test_customers_cannot_write_templates() -> None:
    message = PACK.render_sms("payment_failed", "zh-CN", "CN", {**VARIABLES, "name": "{{ hotline }}"}, on_date=TODAY)
    assert "{{ hotline }}您好" in message.text


@pytest.mark.parametrize(
    ("amount", "currency", "language", "text"),
    [
        (Decimal("3650.00"), "CNY", "zh-CN", "3,650.00元"),
        ("0.5", "CNY", "zh-CN", "0.50元"),
        (1200, "USD", "zh-CN", "1,200.00美元"),
        ("1234567.89", "USD", "en", "$1,234,567.89"),
        ("99.90", "GBP", "en", "£99.90"),
        ("1000", "JPY", "en", "¥1,000"),
        ("1000", "EUR", "zh-CN", "€1,000.00"),
    ],
)
def test_money(amount: object, currency: str, language: str, text: str) -> None:
    assert money(amount, currency, language) == text


@pytest.mark.parametrize("day", [date(2028, 2, 29), datetime(2028, 2, 29, 23, tzinfo=UTC), "2028-02-29"])
def test_dates(day: object) -> None:
    assert (long_date(day, "zh-CN"), long_date(day, "en")) == ("2028年2月29日", "February 29, 2028")


@pytest.mark.parametrize(
    ("code", "language", "words"),
    [
        ("51", "en", "not enough money in the account"),
        ("INSUFFICIENT_FUNDS", "zh-CN", "账户余额不足"),
        ("05", "zh-CN", "银行未批准该笔扣款"),
        ("43", "en", "this card cannot be charged at present"),  # never "stolen"
        ("no-such-code", "zh-CN", "银行暂未受理"),
        ("no-such-code", "fr", "the bank did not accept it"),
    ],
)
def test_bank_codes_in_plain_words(code: str, language: str, words: str) -> None:
    assert PACK.reason(code, language) == words


def test_the_call_names_caller_assistant_and_purpose_and_offers_three_keys() -> None:
    script = PACK.flow("payment_failed", "en-US")
    assert script.greeting == (
        "Hello, this is Example Life. I am an automated assistant, calling about a premium payment."
    )
    assert (script.language, script.voice, script.speech_language) == ("en", "Polly.Joanna", "en-US")
    assert [(key.key, key.meaning, key.then) for key in script.keys] == [
        ("1", "pay_link_requested", AfterKey.HANG_UP),
        ("2", "human_requested", AfterKey.TRANSFER),
        ("9", "opted_out", AfterKey.HANG_UP),
    ]
    assert script.transfer_number == "+12025550199"
    assert (script.key_timeout, script.max_menus) == (timedelta(seconds=6), 3)


def test_the_call_speaks_chinese_with_a_chinese_voice() -> None:
    script = PACK.flow("payment_failed", "zh-CN")
    assert (script.voice, script.speech_language) == ("Polly.Zhiyu", "cmn-CN")
    assert "示例人寿" in script.greeting
    assert "自动语音助手" in script.greeting


def test_keys_are_found_and_strange_ones_are_not() -> None:
    script = PACK.flow("payment_failed", "zh-CN")
    pressed = script.key("9")
    assert pressed is not None
    assert pressed.meaning == "opted_out"
    assert script.key("5") is None


def test_a_flow_may_say_variables() -> None:
    pack = pack_with(
        flows="id: payment_failed\nsamples: {due_date: 2026-11-20}\nwords: {en: {menu: 'Due {{ due_date | date }}'}}",
        nine_connect="id: N2\nflow_variables: [due_date]",
    )
    assert pack.flow("payment_failed", "en", {"due_date": "2026-11-20"}).menu == "Due November 20, 2026"
    with pytest.raises(InvalidEvent, match="template_not_renderable"):
        pack.flow("payment_failed", "en")


def test_an_unknown_flow_is_refused() -> None:
    with pytest.raises(InvalidEvent, match="unknown_flow"):
        PACK.flow("none", "en")


@pytest.mark.parametrize(("language", "jurisdiction"), [("zh-CN", "CN"), ("en", "US")])
def test_cost_is_printed(language: str, jurisdiction: str) -> None:
    def render() -> None:
        PACK.render_sms("payment_failed", language, jurisdiction, VARIABLES, on_date=TODAY)

    render()
    per_text = min(repeat(render, number=1000, repeat=5)) / 1000
    print(f"render_sms {language}: {per_text * 1e6:.1f} µs a message")
