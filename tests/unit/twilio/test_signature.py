"""The webhook signature against the carrier's published example and its own library."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from twilio.request_validator import RequestValidator

from common.twilio.signature import is_authentic, signature_of

TOKEN = "12345"
URL = "https://mycompany.com/myapp.php?foo=1&bar=2"
FORM = [
    ("CallSid", "CA1234567890ABCDE"),
    ("Caller", "+12349013030"),
    ("Digits", "1234"),
    ("From", "+12349013030"),
    ("To", "+18005551212"),
]
SIGNATURE = "0/KCTR6DLpKmkAf8muzZqo1nDgQ="


def test_the_published_vector():
    assert signature_of(TOKEN, URL, FORM) == SIGNATURE
    assert is_authentic(auth_token=TOKEN, url=URL, form=reversed(FORM), signature=SIGNATURE)


@pytest.mark.parametrize(
    ("url", "form", "token", "signature"),
    [
        (URL, FORM, "12346", SIGNATURE),
        (URL + "1", FORM, TOKEN, SIGNATURE),
        (URL, [*FORM, ("Digits", "9")], TOKEN, SIGNATURE),
        (URL, FORM[1:], TOKEN, SIGNATURE),
        (URL, FORM, TOKEN, ""),
        (URL, FORM, TOKEN, "é\udcff"),
    ],
)
def test_anything_changed_is_refused(url, form, token, signature):
    assert not is_authentic(auth_token=token, url=url, form=form, signature=signature)


@pytest.mark.parametrize("url", ["https://a.example:443/x", "https://a.example/x", "http://[::1]:8080/x?y=1"])
def test_signed_with_or_without_the_port(url):
    for spelling in {url, url.replace(":443", ""), url.replace(":8080", "")}:
        signature = signature_of(TOKEN, spelling, FORM)
        assert is_authentic(auth_token=TOKEN, url=url, form=FORM, signature=signature)


def test_a_json_body_is_proved_by_its_digest():
    body = b'{"a": 1}'
    url = "https://a.example/x?bodySHA256=" + RequestValidator(TOKEN).compute_hash(body.decode())
    signature = signature_of(TOKEN, url)
    assert is_authentic(auth_token=TOKEN, url=url, form=(), signature=signature, body=body)
    assert not is_authentic(auth_token=TOKEN, url=url, form=(), signature=signature, body=body + b" ")


@given(st.dictionaries(st.text(max_size=8), st.text(max_size=8), max_size=5))
def test_agrees_with_the_official_library(form):
    ours = signature_of(TOKEN, URL, form.items())
    assert RequestValidator(TOKEN).compute_signature(URL, form) == ours
