"""The identifiers that moto makes up, of which every answer has one: it draws each character by itself."""

from __future__ import annotations

import string
from typing import Any

from moto.moto_api._internal.moto_random import MotoRandom

from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces


def install(aws: Aws) -> None:
    """Draws all characters of one at once."""

    @replaces(MotoRandom, "get_random_hex", digest="b33320f49210")
    def of_hexadecimal(self: Any, length: int = 8) -> str:
        return "".join(self.choices("0123456789abcdef", k=length))

    @replaces(MotoRandom, "get_random_string", digest="f9dbbea64b90")
    def of_letters(self: Any, length: int = 20, include_digits: bool = True, lower_case: bool = False) -> str:
        made = "".join(self.choices(string.ascii_letters + (string.digits if include_digits else ""), k=length))
        return made.lower() if lower_case else made
