"""Counts SMS segments as carriers do (GSM 03.38 and UCS-2)."""

GSM7_BASIC = frozenset(
    "@£$¥èéùìòÇ\nØø\rÅåΔ_ΦΓΛΩΠΨΣΘΞÆæßÉ !\"#¤%&'()*+,-./0123456789:;<=>?"
    "¡ABCDEFGHIJKLMNOPQRSTUVWXYZÄÖÑÜ§¿abcdefghijklmnopqrstuvwxyzäöñüà"
)
GSM7_EXTENSION = frozenset("^{}\\[~]|€\f")
GSM7_SINGLE, GSM7_PART = 160, 153
UCS2_SINGLE, UCS2_PART = 70, 67


def count_segments(text: str) -> int:
    """How many segments the carrier bills for `text`; an empty text is one segment."""
    if text.isascii() and GSM7_EXTENSION.isdisjoint(text) and "`" not in text:
        return _parts(len(text), GSM7_SINGLE, GSM7_PART)
    if all(char in GSM7_BASIC or char in GSM7_EXTENSION for char in text):
        septets = len(text) + sum(char in GSM7_EXTENSION for char in text)
        return _parts(septets, GSM7_SINGLE, GSM7_PART)
    return _parts(len(text.encode("utf-16-be")) // 2, UCS2_SINGLE, UCS2_PART)


def _parts(units: int, single: int, part: int) -> int:
    return 1 if units <= single else -(-units // part)
