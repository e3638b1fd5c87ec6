"""Secrets that people carry: session ids, personal tokens, and the access codes printed for candidates."""

from __future__ import annotations

import hashlib
import hmac
import re
import secrets

# Crockford's base 32: no I, L, O, U, so that a printed code can be read out and typed.
ALPHABET = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
CODE_LENGTH = 13  # 65 bits
_GROUPS = (5, 4, 4)
_READ_AS = str.maketrans("OIL", "011")
TOKEN_PREFIX = "krg_"  # noqa: S105  # so that a leaked one is recognised


def new_secret() -> str:
    """256 random bits, safe in a cookie and a header."""
    return secrets.token_urlsafe(32)


def new_access_code() -> str:
    """``XXXXX-XXXX-XXXX``."""
    letters = "".join(secrets.choice(ALPHABET) for _ in range(CODE_LENGTH))
    first, second = _GROUPS[0], _GROUPS[0] + _GROUPS[1]
    return f"{letters[:first]}-{letters[first:second]}-{letters[second:]}"


def read_access_code(typed: str) -> str | None:
    """The code's 13 characters, however it was typed; ``None`` when it cannot be one."""
    plain = re.sub(r"[\s\-\u2010-\u2015_.]", "", typed).upper().translate(_READ_AS)
    if len(plain) != CODE_LENGTH or any(character not in ALPHABET for character in plain):
        return None
    return plain


def digest(secret: str) -> bytes:
    """What is stored instead of the secret. SHA-256 is enough: 65 bits and more cannot be tried out."""
    return hashlib.sha256(secret.encode()).digest()


def csrf_value(secret_key: str, session_digest: bytes) -> str:
    """Bound to the session, so there is nothing to store and nothing to mix up."""
    return hmac.new(secret_key.encode(), b"csrf:" + session_digest, hashlib.sha256).hexdigest()
