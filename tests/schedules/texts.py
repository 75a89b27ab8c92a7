"""Random texts that could be taken for expressions: noise, and expressions with something wrong."""

from __future__ import annotations

import random
import string
from collections.abc import Iterator

_ALPHABET = string.digits * 3 + "*?,-/#LW ()" * 3 + string.ascii_letters + ":T.\t\nÄ∞٣\x00"
_VALUES = [
    "*",
    "?",
    "0",
    "1",
    "5",
    "7",
    "15",
    "31",
    "59",
    "60",
    "99",
    "1970",
    "2199",
    "2200",
    "L",
    "W",
    "LW",
    "SUN",
    "jan",
]
_JOINTS = [",", "-", "/", "#", "L", "W", ""]


def texts(seed: int) -> Iterator[str]:
    """Without end, and the same for the same seed."""
    chance = random.Random(seed)
    kinds = (_noise, _cron, _cron, _changed, _other)
    while True:
        yield chance.choice(kinds)(chance)


def _noise(chance: random.Random) -> str:
    return "".join(chance.choices(_ALPHABET, k=chance.randint(0, 60)))


def _field(chance: random.Random) -> str:
    parts = [chance.choice(_VALUES) + chance.choice(_JOINTS) for _ in range(chance.choice([1, 1, 1, 2, 3, 9]))]
    return "".join(parts) if chance.random() < 0.3 else parts[0].rstrip(",-/#")


def _cron(chance: random.Random) -> str:
    fields = [_field(chance) for _ in range(chance.choice([6, 6, 6, 6, 5, 7]))]
    if len(fields) == 6 and chance.random() < 0.7:
        fields[chance.choice([2, 4])] = "?"
    return f"cron({' '.join(fields)})"


def _changed(chance: random.Random) -> str:
    text = list(chance.choice(["cron(0 8 ? * MON-FRI *)", "cron(0/5 8-17 L * ? 2026-2030)", "cron(0 0 ? * 6#3 *)"]))
    for _ in range(chance.randint(1, 3)):
        text[chance.randrange(len(text))] = chance.choice(_ALPHABET)
    return "".join(text)


def _other(chance: random.Random) -> str:
    number = chance.choice(["0", "1", "5", "-3", "999999999", "99999999999", "1.5", ""])
    date = f"{chance.randint(0, 9999):04}-{chance.randint(0, 14):02}-{chance.randint(0, 32):02}"
    return chance.choice(
        [
            f"rate({number} {chance.choice(['minute', 'minutes', 'hours', 'days', 'weeks', ''])})",
            f"at({date}T{chance.randint(0, 25):02}:{chance.randint(0, 61):02}:00)",
            f"at({date})",
        ]
    )
