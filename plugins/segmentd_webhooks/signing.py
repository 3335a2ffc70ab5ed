"""Signatures as the Standard Webhooks specification 1.0.0 says: HMAC-SHA256 over id, time and body."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Final

from standardwebhooks import Webhook

PREFIX: Final = "whsec_"
_LEAST: Final = 24
_MOST: Final = 64


def secret_fault(secret: str) -> str | None:
    """What is wrong with a secret; None where it is `whsec_` and the base64 of 24 to 64 bytes. It is not repeated."""
    if not secret.startswith(PREFIX):
        return f"a secret begins with {PREFIX}"
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except (binascii.Error, ValueError):
        return f"what follows {PREFIX} is no base64"
    if not _LEAST <= len(key) <= _MOST:
        return f"a secret has {_LEAST} to {_MOST} bytes behind {PREFIX}, this one has {len(key)}"
    return None


def signature_headers(secrets: Sequence[str], message_id: str, seconds: float, body: bytes) -> Mapping[str, str]:
    """The three headers; `seconds` since 1970 is the time of this attempt. One signature for each secret."""
    at = datetime.fromtimestamp(int(seconds), UTC)
    signatures = [Webhook(secret).sign(message_id, at, body.decode()) for secret in secrets]
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(int(seconds)),
        "webhook-signature": " ".join(signatures),
    }
