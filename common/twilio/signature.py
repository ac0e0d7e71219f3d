"""X-Twilio-Signature: proof that a status webhook comes from the carrier."""

import hmac
from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha1, sha256
from urllib.parse import parse_qs, urlsplit

SIGNATURE_HEADER = "X-Twilio-Signature"
DEFAULT_PORTS = {"https": 443, "http": 80}


def signature_of(auth_token: str, url: str, form: Iterable[tuple[str, str]] = ()) -> str:
    """Base64 of HMAC-SHA1 over the URL followed by the form's sorted, distinct names and values.

    Source: https://www.twilio.com/docs/usage/security#validating-requests.
    """
    text = url + "".join(name + value for name, value in sorted(set(form)))
    # The scheme is the carrier's; HMAC does not rest on SHA-1's collision resistance.
    return b64encode(hmac.new(auth_token.encode(), text.encode(), sha1).digest()).decode()


def is_authentic(
    *, auth_token: str, url: str, form: Iterable[tuple[str, str]], signature: str, body: bytes | None = None
) -> bool:
    """Whether the signature is that of the account's secret; compared in constant time.

    There is no time stamp in it: a replayed request is authentic and must be harmless to its handler.

    Args:
        auth_token: the account's secret.
        url: the public URL, as the carrier called it (not the one behind a proxy), with its query.
        form: the decoded form fields; ignored for a JSON body.
        signature: the header's value.
        body: the raw JSON body of requests whose URL carries `bodySHA256`.
    """
    digest = parse_qs(urlsplit(url).query).get("bodySHA256")
    if digest is not None and body is not None:
        if not hmac.compare_digest(sha256(body).hexdigest(), digest[0]):
            return False
        form = ()
    fields = tuple(form)
    given = signature.encode("utf-8", "replace")
    # The carrier signs with or without the port, inconsistently (so does its own validator's comment).
    matches = [
        hmac.compare_digest(signature_of(auth_token, known, fields).encode(), given) for known in _spellings(url)
    ]
    return any(matches)


def _spellings(url: str) -> tuple[str, str]:
    parts = urlsplit(url)
    host = parts.hostname or ""
    host = f"[{host}]" if ":" in host else host
    port = parts.port or DEFAULT_PORTS.get(parts.scheme, 80)
    return (parts._replace(netloc=host).geturl(), parts._replace(netloc=f"{host}:{port}").geturl())
