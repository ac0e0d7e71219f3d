"""How many SMS segments a text takes: GSM 03.38 when every character allows it, else UCS-2.

Figures: 160 septets alone or 153 a part; 70 UTF-16 units alone or 67 a part (the 6-octet concatenation header).
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

GSM7_BASIC = (
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM7_EXTENSION = "\f^{}\\[~]|€"

_GSM7_TEXT = re.compile(f"[{re.escape(GSM7_BASIC + GSM7_EXTENSION)}]*")
_TWO_SEPTETS = re.compile(f"[{re.escape(GSM7_EXTENSION)}]")
_TWO_UNITS = re.compile("[\U00010000-\U0010ffff]")


class Encoding(StrEnum):
    """How the text goes over the air."""

    GSM7 = "GSM-7"
    UCS2 = "UCS-2"


@dataclass(frozen=True, slots=True)
class SegmentCount:
    """What a text costs: `units` are septets (GSM-7) or UTF-16 code units (UCS-2)."""

    encoding: Encoding
    units: int
    segments: int


def count_segments(text: str) -> SegmentCount:
    """The encoding, units and segments of `text` as it is sent, signature and opt-out text included.

    An extension character (two septets) or a surrogate pair (two units) is never split over two segments, so a part
    may stay one unit short. The empty text takes one segment.
    """
    if _GSM7_TEXT.fullmatch(text):
        return _count(Encoding.GSM7, text, _TWO_SEPTETS, alone=160, part=153)
    return _count(Encoding.UCS2, text, _TWO_UNITS, alone=70, part=67)


def _count(encoding: Encoding, text: str, wide: re.Pattern[str], *, alone: int, part: int) -> SegmentCount:
    wide_at = [match.start() for match in wide.finditer(text)]
    units = len(text) + len(wide_at)
    return SegmentCount(encoding, units, 1 if units <= alone else _parts(units, wide_at, part))


def _parts(units: int, wide_at: Collection[int], part: int) -> int:
    """Parts of `part` units; each wide character that would straddle a boundary leaves one unit of padding."""
    padding = 0
    for before, position in enumerate(wide_at):
        start = position + before + padding
        if start % part == part - 1:
            padding += 1
    return -(-(units + padding) // part)
