"""Sealed references: what a provider may carry for us in a URL without learning what it means."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from binascii import Error as Base64Error
from hashlib import blake2b

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESSIV

from common.errors import Rejected

MIN_KEY_CHARACTERS = 32
SEPARATOR = "\x1f"


class Sealer:
    """Seals parts into a URL-safe token and opens it again.

    AES-SIV (RFC 5297) is deterministic, so one reference has one URL, and authentic, so a changed token is refused.

    Args:
        key: a secret of at least 32 characters, the same in every replica.
        purpose: what the tokens are for, e.g. `voice`; a token of one purpose does not open for another.

    Raises:
        ValueError: the key is too short.
    """

    def __init__(self, key: str, *, purpose: str) -> None:
        if len(key) < MIN_KEY_CHARACTERS:
            raise ValueError(f"a sealing key has at least {MIN_KEY_CHARACTERS} characters")
        self._cipher = AESSIV(blake2b(key.encode(), digest_size=64, person=b"nineconnect-seal").digest())
        self._purpose = [purpose.encode()]

    def seal(self, *parts: str) -> str:
        """The token for the parts, e.g. `seal(customer_id, attempt_id)`; letters, digits, `-` and `_` only."""
        sealed = self._cipher.encrypt(SEPARATOR.join(parts).encode(), self._purpose)
        return urlsafe_b64encode(sealed).rstrip(b"=").decode()

    def open(self, token: str) -> tuple[str, ...]:
        """The parts that were sealed.

        Raises:
            Rejected: the token was not made by this sealer, or was changed.
        """
        try:
            sealed = urlsafe_b64decode(token + "=" * (-len(token) % 4))
            return tuple(self._cipher.decrypt(sealed, self._purpose).decode().split(SEPARATOR))
        except (Base64Error, ValueError, InvalidTag) as error:
            raise Rejected("reference_forged", rule_id="webhook.reference") from error
