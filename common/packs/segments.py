"""How many SMS segments a text takes: GSM 03.38 when every character allows it, else UCS-2.

Figures: 160 septets alone or 153 a part; 70 UTF-16 units alone or 67 a part (the 6-octet concatenation header).
"""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

GSM7_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§"
    "¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM7_EXTENSION = frozenset("\f^{}\\[~]|€")

BEYOND_BMP = 0x10000


class Encoding(StrEnum):
    """How the text goes over the air."""

    GSM7 = "GSM-7"
    UCS2 = "UCS-2"


@dataclass(frozen=True)
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
    if all(character in GSM7_BASIC or character in GSM7_EXTENSION for character in text):
        widths = [2 if character in GSM7_EXTENSION else 1 for character in text]
        return _count(Encoding.GSM7, widths, alone=160, part=153)
    widths = [2 if ord(character) >= BEYOND_BMP else 1 for character in text]
    return _count(Encoding.UCS2, widths, alone=70, part=67)


def _count(encoding: Encoding, widths: list[int], *, alone: int, part: int) -> SegmentCount:
    units = sum(widths)
    return SegmentCount(encoding, units, 1 if units <= alone else _parts(widths, part))


def _parts(widths: Iterable[int], part: int) -> int:
    parts, used = 1, 0
    for width in widths:
        if used + width > part:
            parts, used = parts + 1, 0
        used += width
    return parts
