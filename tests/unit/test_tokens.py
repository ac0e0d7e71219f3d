"""Sealed references open only for the one who sealed them, unchanged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import Rejected
from common.tokens import Sealer

KEY = "k" * 32
PART = st.text(alphabet=st.characters(exclude_characters="\x1f", exclude_categories=["Cs"]), max_size=70)


@given(st.lists(PART, min_size=1, max_size=4))
def test_opens_what_it_sealed_and_fits_in_a_path(parts):
    sealer = Sealer(KEY, purpose="voice")
    token = sealer.seal(*parts)
    assert sealer.open(token) == tuple(parts)
    assert all(character.isascii() and (character.isalnum() or character in "-_") for character in token)
    assert sealer.seal(*parts) == token


@given(st.data())
def test_a_changed_token_is_refused(data):
    sealer = Sealer(KEY, purpose="voice")
    token = sealer.seal("customer-1", "c-1/1")
    position = data.draw(st.integers(0, len(token) - 2))  # the last character holds padding bits
    letter = data.draw(st.sampled_from("AZaz09-_").filter(lambda one: one != token[position]))
    with pytest.raises(Rejected):
        sealer.open(token[:position] + letter + token[position + 1 :])


@pytest.mark.parametrize("token", ["", "x", "é", "a" * 500, "%00", "=" * 8])
def test_garbage_is_refused(token):
    with pytest.raises(Rejected):
        Sealer(KEY, purpose="voice").open(token)


def test_purpose_and_key_separate_tokens():
    token = Sealer(KEY, purpose="voice").seal("customer-1", "c-1/1")
    for other in (Sealer(KEY, purpose="sms"), Sealer("x" * 32, purpose="voice")):
        with pytest.raises(Rejected):
            other.open(token)


def test_a_short_key_is_refused():
    with pytest.raises(ValueError, match="at least 32"):
        Sealer("short", purpose="voice")
