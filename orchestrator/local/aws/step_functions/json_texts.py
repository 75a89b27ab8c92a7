"""Texts of JSON: why one cannot be read, and which values cannot be written."""

from __future__ import annotations

import json
import re
from typing import Any


def first_word(text: str) -> str:
    """Returns the word that a text begins with, if JSON has no such word; else an empty text."""
    word = re.match(r"\s*([A-Za-z_]\w*)", text)
    return word[1] if word and word[1] not in ("true", "false", "null") else ""


def unread_json(text: str, fault: json.JSONDecodeError) -> str:
    """Why a text is no JSON, as AWS's parser says it: as recorded, test_invalid_start_execution_input."""
    if word := first_word(text):
        expected = "(JSON String, Number, Array, Object or token 'null', 'true' or 'false')"
        return f"Unrecognized token '{word}': was expecting {expected}"
    if fault.msg.startswith("Expecting property name") and fault.pos < len(text):
        character = text[fault.pos]
        what = f"Unexpected character ('{character}' (code {ord(character)}))"
        return f"{what}: was expecting double-quote to start field name"
    return fault.msg if text else "Invalid execution input."


def is_text(value: Any) -> bool:
    """Whether each text in a value of JSON can be written: half a surrogate pair cannot."""
    try:
        json.dumps(value, ensure_ascii=False).encode()
    except UnicodeEncodeError:
        return False
    return True
