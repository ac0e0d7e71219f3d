"""Ids derived from what caused them, so that a decision taken twice names the same thing."""

from hashlib import blake2b

DIGEST_BYTES = 6


def derived_id(prefix: str, *parts: str) -> str:
    """An id such as `n-3f9a0c12d4e5`: the prefix and 48 bits of the parts' BLAKE2b.

    48 bits are enough because ids are unique only within one customer's document.
    """
    digest = blake2b("\x1f".join(parts).encode(), digest_size=DIGEST_BYTES).hexdigest()
    return f"{prefix}-{digest}"
