"""The identifiers that moto makes up, of which every answer has one: it draws each character by itself."""

from __future__ import annotations

import string
from typing import Any

from moto.moto_api._internal.moto_random import MotoRandom

from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces


def _of_bytes(characters: str) -> bytes:
    """What becomes of each byte, as bytes.translate takes it."""
    return bytes(ord(characters[one % len(characters)]) for one in range(256))


_HEXADECIMAL = _of_bytes("0123456789abcdef")
_LETTERS = {
    (include_digits, lower_case): _of_bytes(
        (string.ascii_lowercase if lower_case else string.ascii_letters) + (string.digits if include_digits else "")
    )
    for include_digits in (True, False)
    for lower_case in (True, False)
}


def install(aws: Aws) -> None:
    """Draws all characters of one at once."""

    @replaces(MotoRandom, "get_random_hex", digest="b33320f49210")
    def of_hexadecimal(self: Any, length: int = 8) -> str:
        return str(self.randbytes(length).translate(_HEXADECIMAL), "ascii")

    @replaces(MotoRandom, "get_random_string", digest="f9dbbea64b90")
    def of_letters(self: Any, length: int = 20, include_digits: bool = True, lower_case: bool = False) -> str:
        return str(self.randbytes(length).translate(_LETTERS[include_digits, lower_case]), "ascii")
