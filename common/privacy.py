"""Masks for what must never be shown whole."""

VISIBLE_DIGITS = 2


def mask_number(phone_number: str) -> str:
    """The number with all but its country hint and last two digits hidden, e.g. `+12********43`."""
    head, tail = phone_number[:3], phone_number[-VISIBLE_DIGITS:]
    return head + "*" * max(len(phone_number) - len(head) - len(tail), 0) + tail
