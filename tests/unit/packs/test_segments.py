"""Segment counting against published values."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.packs.segments import GSM7_BASIC, GSM7_EXTENSION, Encoding, count_segments

RENEWAL = (
    "【国寿保险】尊敬的张女士，您尾号1234的保单续期保费3,650.00元将于2026年3月1日到期，"
    "请您在宽限期内完成交费。如已交费请忽略。咨询95519"
)
ROCKET = "\U0001f680"


@pytest.mark.parametrize(
    ("text", "encoding", "units", "segments"),
    [
        ("", Encoding.GSM7, 0, 1),
        ("a" * 160, Encoding.GSM7, 160, 1),
        ("a" * 161, Encoding.GSM7, 161, 2),
        ("a" * 306, Encoding.GSM7, 306, 2),
        ("a" * 307, Encoding.GSM7, 307, 3),
        ("€" * 80, Encoding.GSM7, 160, 1),
        ("€" * 81, Encoding.GSM7, 162, 2),
        ("a" * 152 + "€" + "a" * 151, Encoding.GSM7, 305, 2),  # the € moves whole into the second part
        ("a" * 152 + "€" + "a" * 152, Encoding.GSM7, 306, 3),  # and there is one septet too many now
        ("é£¥ÄÖÜ§¿\n", Encoding.GSM7, 9, 1),
        ("`", Encoding.UCS2, 1, 1),  # the back-tick is not in the GSM alphabet
        ("ç", Encoding.UCS2, 1, 1),  # the small one is not, Ç is
        ("中" * 70, Encoding.UCS2, 70, 1),
        ("中" * 71, Encoding.UCS2, 71, 2),
        ("中" * 134, Encoding.UCS2, 134, 2),
        ("中" * 135, Encoding.UCS2, 135, 3),
        (ROCKET * 35, Encoding.UCS2, 70, 1),
        (ROCKET * 36, Encoding.UCS2, 72, 2),
        ("中" * 66 + ROCKET + "中" * 66, Encoding.UCS2, 134, 3),  # the pair moves whole: 66 + 67 + 1
        ("【a】", Encoding.UCS2, 3, 1),
        (RENEWAL, Encoding.UCS2, 77, 2),
    ],
)
def test_published_values(text: str, encoding: Encoding, units: int, segments: int) -> None:
    count = count_segments(text)
    assert (count.encoding, count.units, count.segments) == (encoding, units, segments)


def fill_parts(widths: list[int], alone: int, part: int) -> int:
    """The slow way: put one character after another into parts."""
    if sum(widths) <= alone:
        return 1
    parts, used = 1, 0
    for width in widths:
        if used + width > part:
            parts, used = parts + 1, 0
        used += width
    return parts


@given(st.text(st.sampled_from(GSM7_BASIC[:5] + GSM7_EXTENSION), max_size=700))
def test_gsm_parts_are_those_of_filling_one_by_one(text: str) -> None:
    widths = [2 if character in GSM7_EXTENSION else 1 for character in text]
    assert count_segments(text).segments == fill_parts(widths, 160, 153)


@given(st.text(st.sampled_from("中a" + ROCKET), max_size=400).map("【{}".format))
def test_ucs2_parts_are_those_of_filling_one_by_one(text: str) -> None:
    count = count_segments(text)
    assert count.units == len(text.encode("utf-16-le")) // 2
    assert count.segments == fill_parts([2 if character == ROCKET else 1 for character in text], 70, 67)


def test_the_alphabet_has_its_128_places() -> None:
    # 127 characters beside the escape to the extension table
    assert len(set(GSM7_BASIC)) == len(GSM7_BASIC) == 127
    assert not set(GSM7_BASIC) & set(GSM7_EXTENSION)
