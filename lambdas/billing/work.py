"""Where a billing run keeps what is too large for a state: the files of one execution, below one prefix of S3."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing
from typing import TYPE_CHECKING, Any

from orchestrator.handlers.event import Step

if TYPE_CHECKING:
    from types_boto3_s3 import S3Client

#: What of the data bucket holds the usage, the files of runs, and invoices.
USAGE, RUNS, INVOICES = "usage/", "billing/", "invoices/"

#: Of the environment: how many customers are in a page, which is what one execution goes through.
PAGE_SIZE = "BILLING_PAGE_SIZE"


class BillingStep(Step):
    """The input that every step of a run gets."""

    #: ``2026-11``.
    period: str
    #: Below which the files of this run are: ``billing/2026-11/EXECUTION/``.
    work: str

    def log_keys(self) -> dict[str, Any]:
        return {"period": self.period}


def charges_key(work: str, page: int) -> str:
    """The charges of a page's customers, a line each."""
    return f"{work}charges/{page:05}.jsonl"


def page_key(work: str, page: int) -> str:
    """Returns the key of a page's list: its customers and their places in the file of charges."""
    return f"{work}pages/{page:05}.json"


class Files:
    """The data bucket, through boto3's client of S3."""

    def __init__(self, client: S3Client, bucket: str) -> None:
        self._client = client
        self._bucket = bucket

    def keys(self, prefix: str) -> Iterator[str]:
        pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
        for page in pages:
            yield from (entry["Key"] for entry in page.get("Contents", []))

    def stream(self, key: str) -> Any:
        return self._client.get_object(Bucket=self._bucket, Key=key)["Body"]

    def part(self, key: str, bytes_range: str) -> bytes:
        """A part of an object, as HTTP's ``Range`` has it: ``bytes=0-99``."""
        answer = self._client.get_object(Bucket=self._bucket, Key=key, Range=bytes_range)
        return bytes(answer["Body"].read())

    def read(self, key: str) -> bytes:
        with closing(self.stream(key)) as body:
            return bytes(body.read())

    def write(self, key: str, content: bytes, content_type: str = "application/json") -> None:
        self._client.put_object(Bucket=self._bucket, Key=key, Body=content, ContentType=content_type)

    def write_values(self, key: str, values: Iterable[Mapping[str, Any]]) -> None:
        """A JSON object a line."""
        self.write(key, b"".join(json_line(value) for value in values), "application/x-ndjson")

    def values(self, key: str) -> Iterator[dict[str, Any]]:
        """The objects of such a file, one after the other."""
        with closing(self.stream(key)) as body:
            yield from (json.loads(line) for line in body.iter_lines())


def json_line(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, sort_keys=True).encode() + b"\n"
