"""Signs webhooks the way the carrier does."""

import base64
import hmac
from collections.abc import Mapping


def signature(auth_token: str, url: str, parameters: Mapping[str, str]) -> str:
    """The X-Twilio-Signature of a form-encoded POST.

    Base64 of HMAC-SHA1, keyed with the auth token, over the full URL followed by every parameter's name and value in
    the order of names (https://www.twilio.com/docs/usage/security).
    """
    signed = url + "".join(name + parameters[name] for name in sorted(parameters))
    return base64.b64encode(hmac.digest(auth_token.encode(), signed.encode(), "sha1")).decode()
