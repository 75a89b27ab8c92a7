"""Usage events as lines of CSV or JSON, what is wrong with them, and what they add up to.

A file ends with the end of a line: one that does not has been cut off. A line is CSV in a file ``*.csv``, whose first
line names the columns, and JSON in a file ``*.jsonl``; the fields are the same.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Any

from lambdas.billing.errors import UnreadableUsage, UsageCutOff
from lambdas.billing.money import EXACT
from lambdas.billing.period import Period

FIELDS = ("event_id", "customer_id", "meter", "quantity", "timestamp")

#: A customer's id goes into keys of S3 and of DynamoDB.
_CUSTOMER = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NAME = re.compile(r"[ -~]{1,128}")
_QUANTITY = re.compile(r"[0-9]{1,12}(\.[0-9]{1,6})?")

#: No honest line is longer; one without an end would fill the memory.
_LONGEST_LINE_BYTES = 65_536


@dataclass(frozen=True, kw_only=True)
class Problem:
    """A row that cannot be billed, or was there before."""

    file: str
    line: int
    said: str
    #: Whose invoice it holds back; empty if the row does not say.
    customer_id: str = ""
    #: Whether it holds an invoice back: a row that is only there twice does not.
    holds: bool = True

    def to_value(self) -> dict[str, Any]:
        return {
            "file": self.file,
            "line": self.line,
            "problem": self.said,
            "customerId": self.customer_id,
            "holds": self.holds,
        }


@dataclass(kw_only=True)
class Usage:
    """The sums so far. It grows with customers, meters and, by 48 bytes each, with events: ids must be unique."""

    period: Period
    events: int = 0
    sums: dict[tuple[str, str], Decimal] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    #: The file and line of each customer's first event.
    first_seen: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: Digests of ids and of what the row of that id said.
    _seen: dict[bytes, bytes] = field(default_factory=dict)

    def add(self, file: str, stream: io.RawIOBase) -> None:
        """Adds every row of a file. Raises :class:`UsageCutOff` and :class:`UnreadableUsage`."""
        for number, row in _rows(file, stream):
            self._add(file, number, row)

    def by_customer(self) -> Iterator[tuple[str, dict[str, str]]]:
        """Each customer's quantities by meter, as text, in order."""
        of: dict[str, dict[str, str]] = {}
        for (customer, meter), quantity in sorted(self.sums.items()):
            of.setdefault(customer, {})[meter] = f"{quantity:f}"
        yield from of.items()

    def _add(self, file: str, number: int, row: Mapping[str, str] | str) -> None:
        if isinstance(row, str):
            self.problems.append(Problem(file=file, line=number, said=row))
            return
        customer = row["customer_id"] if _CUSTOMER.fullmatch(row["customer_id"]) else ""
        said = self._wrong(row)
        if said is None:
            said, holds = self._repeated(row)
        else:
            holds = True
        if said is not None:
            self.problems.append(Problem(file=file, line=number, said=said, customer_id=customer, holds=holds))
            return
        self.events += 1
        self.first_seen.setdefault(customer, {"file": file, "line": number})
        key = (customer, row["meter"])
        self.sums[key] = EXACT.add(self.sums.get(key, Decimal(0)), Decimal(row["quantity"]))

    def _wrong(self, row: Mapping[str, str]) -> str | None:
        if not _CUSTOMER.fullmatch(row["customer_id"]):
            return "customer_id: expected letters, digits, - and _"
        for name in ("event_id", "meter"):
            if not _NAME.fullmatch(row[name]):
                return f"{name}: expected 1 to 128 printable characters"
        if not _QUANTITY.fullmatch(row["quantity"]):
            return f"quantity: found {row['quantity'][:40]!r}, expected a number like 3 or 0.25, not negative"
        try:
            moment = datetime.fromisoformat(row["timestamp"])
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            return f"timestamp: found {row['timestamp'][:40]!r}, expected one like 2026-11-30T08:00:00Z"
        if moment not in self.period:
            return f"timestamp: {row['timestamp']} is not in {self.period} ({self.period.timezone})"
        return None

    def _repeated(self, row: Mapping[str, str]) -> tuple[str | None, bool]:
        """Collectors deliver at least once: the same row again is reported and not billed again."""
        name = hashlib.blake2b(row["event_id"].encode(), digest_size=16).digest()
        content = hashlib.blake2b(json.dumps([row[name] for name in FIELDS]).encode(), digest_size=8).digest()
        before = self._seen.setdefault(name, content)
        if before is content:
            return None, False
        if before == content:
            return f"event_id {row['event_id']!r} was there before, with the same content: billed once", False
        return f"event_id {row['event_id']!r} was there before, with another content", True


def _rows(file: str, stream: io.RawIOBase) -> Iterator[tuple[int, Mapping[str, str] | str]]:
    """Each row with its line; as text, what keeps it from being one."""
    lines = _lines(file, stream)
    if file.endswith(".jsonl"):
        yield from ((number, _json_row(text)) for number, text in lines if text.strip())
        return
    first = next(lines, None)
    if first is None:
        return
    columns = _cells(first[1])
    if not columns or set(FIELDS) - set(columns):
        raise UnreadableUsage(file, 1, f"expected the columns {', '.join(FIELDS)}")
    for number, text in lines:
        if text.strip():
            yield number, _csv_row(columns, text)


def _csv_row(columns: list[str], text: str) -> Mapping[str, str] | str:
    cells = _cells(text)
    if cells is None:
        return "expected one line of CSV"
    if len(cells) != len(columns):
        return f"expected {len(columns)} columns, found {len(cells)}"
    return dict(zip(columns, cells, strict=True))


def _cells(text: str) -> list[str] | None:
    try:
        return next(csv.reader([text.rstrip("\r\n")], strict=True), None)
    except csv.Error:
        return None


def _json_row(text: str) -> Mapping[str, str] | str:
    try:
        # A number stays as it is written: a float would lose digits.
        row = json.loads(text, parse_float=str, parse_int=str)
    except ValueError:
        return "expected one line of JSON"
    if not isinstance(row, dict):
        return "expected a JSON object"
    if missing := [name for name in FIELDS if not isinstance(row.get(name), str)]:
        return f"{', '.join(missing)}: expected a value"
    return row


def _lines(file: str, stream: io.RawIOBase) -> Iterator[tuple[int, str]]:
    with io.BufferedReader(stream, 65_536) as buffered:
        number = 0
        while line := buffered.readline(_LONGEST_LINE_BYTES):
            number += 1
            if not line.endswith(b"\n"):
                if len(line) == _LONGEST_LINE_BYTES:
                    raise UnreadableUsage(file, number, f"expected at most {_LONGEST_LINE_BYTES} bytes in a line")
                raise UsageCutOff(file, number)
            try:
                yield number, line.decode("utf-8-sig" if number == 1 else "utf-8")
            except UnicodeDecodeError:
                # One that nobody can read holds nobody back, and is reported.
                yield number, "\x00"


def problems_of(values: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Returns the first problem of each customer, which holds the invoice back."""
    held: dict[str, str] = {}
    for value in values:
        if value["holds"] and value["customerId"]:
            held.setdefault(value["customerId"], f"{value['file']}, line {value['line']}: {value['problem']}")
    return held
