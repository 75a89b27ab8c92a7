"""Objects of S3's buckets."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from moto.s3.models import FakeKey, S3Backend, get_canned_acl

from orchestrator.local.aws.kept.folder import OBJECT
from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces


def install(aws: Aws) -> None:
    """Keeps every object that is written, and puts those of a bucket back when it is created."""
    put, delete, create = S3Backend.put_object, S3Backend.delete_object, S3Backend.create_bucket
    set_metadata, set_acl = FakeKey.set_metadata, FakeKey.set_acl

    def keep(key: Any) -> None:
        kept = aws.kept
        if kept and key.bucket_name:
            about = {
                "metadata": dict(key._metadata),
                "public": bool(key.acl and key.acl.public_read),
                "modified": key.last_modified.isoformat(),
            }
            with kept.lock:
                kept.put(OBJECT, key.bucket_name, key.name, {"value": key.value, **about})

    @replaces(S3Backend, "put_object", digest="4e8e65d66e72")
    def put_object(self: Any, bucket_name: str, key_name: str, *arguments: Any, **named: Any) -> Any:
        key = put(self, bucket_name, key_name, *arguments, **named)
        keep(key)
        return key

    @replaces(S3Backend, "delete_object", digest="0413be3b4cfd")
    def delete_object(self: Any, bucket_name: str, key_name: str, *arguments: Any, **named: Any) -> Any:
        answer = delete(self, bucket_name, key_name, *arguments, **named)
        if aws.kept and self.get_bucket(bucket_name).keys.get(key_name) is None:
            aws.kept.remove(OBJECT, bucket_name, key_name)
        return answer

    @replaces(FakeKey, "set_metadata", digest="93fb04aba3d4")
    def change_metadata(self: Any, *arguments: Any, **named: Any) -> None:
        set_metadata(self, *arguments, **named)
        keep(self)

    @replaces(FakeKey, "set_acl", digest="2ca28cd7e26a")
    def change_acl(self: Any, acl: Any) -> None:
        set_acl(self, acl)
        keep(self)

    @replaces(S3Backend, "create_bucket", digest="12dfa6c49c12")
    def create_bucket(self: Any, bucket_name: str, *arguments: Any, **named: Any) -> Any:
        bucket = create(self, bucket_name, *arguments, **named)
        for name, was in aws.kept.of(OBJECT, bucket_name) if aws.kept else ():
            key = put(self, bucket_name, name, was["value"], disable_notification=True)
            set_metadata(key, was["metadata"])
            set_acl(key, get_canned_acl("public-read" if was["public"] else "private"))
            key.last_modified = datetime.fromisoformat(was["modified"])
        return bucket
