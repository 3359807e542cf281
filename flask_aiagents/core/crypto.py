"""Secrets at rest: AES-GCM, bound to the row that holds them, under keys that can be rotated.

A stored secret reads ``v1.<key id>.<nonce and ciphertext>``. The associated data names the row, so that a
ciphertext copied into another row cannot be opened there. ``cryptography`` is imported with the first secret.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import os
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from ..errors import ConfigurationError

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_BYTES = 32
"""AES-256."""

_NONCE_BYTES = 12

_MAKE_ONE = (
    "Make one with: python -c 'import base64, os; print(base64.b64encode(os.urandom(32)).decode())' "
    "and set AIAGENTS_ENCRYPTION_KEYS."
)


class Keyring:
    """The encryption keys of an app. The first encrypts, all decrypt."""

    def __init__(self, keys: Sequence[str]) -> None:
        self._secrets = {_key_id(key): key for key in map(_decode, keys)}

    def __bool__(self) -> bool:
        return bool(self._secrets)

    @cached_property
    def _keys(self) -> dict[str, AESGCM]:
        from cryptography.hazmat.primitives.ciphers.aead import AESGCM

        return {key_id: AESGCM(key) for key_id, key in self._secrets.items()}

    def encrypt(self, secret: str, bound_to: str) -> str:
        """Seal a secret for the row that ``bound_to`` names.

        :raises ConfigurationError: when the app has no encryption key.
        """
        key_id, cipher = self._first()
        nonce = os.urandom(_NONCE_BYTES)
        sealed = nonce + cipher.encrypt(nonce, secret.encode(), bound_to.encode())
        return f"v1.{key_id}.{base64.urlsafe_b64encode(sealed).decode()}"

    def decrypt(self, sealed: str, bound_to: str) -> str:
        """Open a secret.

        :raises ConfigurationError: when its key is gone, or it was sealed for another row.
        """
        from cryptography.exceptions import InvalidTag

        _, key_id, text = sealed.split(".", 2)
        if key_id not in self._keys:
            raise ConfigurationError(
                f"A stored secret needs encryption key {key_id}, which is not configured.",
                hint="Append that key to AIAGENTS_ENCRYPTION_KEYS, then rotate.",
            )
        raw = base64.urlsafe_b64decode(text)
        try:
            opened = self._keys[key_id].decrypt(raw[:_NONCE_BYTES], raw[_NONCE_BYTES:], bound_to.encode())
        except InvalidTag as error:
            raise ConfigurationError(
                "A stored secret was moved or altered and cannot be opened.", hint="Store it again."
            ) from error
        return opened.decode()

    def is_current(self, sealed: str) -> bool:
        """Whether a secret is sealed with the first key."""
        return sealed.split(".", 2)[1] == self._first()[0]

    def _first(self) -> tuple[str, AESGCM]:
        if not self._keys:
            raise ConfigurationError(
                "No encryption key is configured, so no secret can be stored.", hint=_MAKE_ONE
            )
        return next(iter(self._keys.items()))


def _decode(text: str) -> bytes:
    try:
        key = base64.b64decode(text, altchars=b"-_" if set(text) & set("-_") else None, validate=True)
    except (binascii.Error, ValueError) as error:
        raise ConfigurationError("An encryption key is not base64.", hint=_MAKE_ONE) from error
    if len(key) != KEY_BYTES:
        raise ConfigurationError(f"An encryption key has {len(key)} bytes and not {KEY_BYTES}.", hint=_MAKE_ONE)
    # Zeros, counting bytes and repeated words are what examples and defaults are made of; chance makes none.
    if len(set(key)) < KEY_BYTES // 2 or key == bytes(range(KEY_BYTES)):
        raise ConfigurationError("An encryption key is a known default or a pattern.", hint=_MAKE_ONE)
    return key


def _key_id(key: bytes) -> str:
    return hashlib.sha256(b"aiagents key id" + key).hexdigest()[:8]
