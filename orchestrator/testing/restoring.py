"""Tables and buckets of an embedded AWS, put back as they were."""

from __future__ import annotations

from typing import Any

from orchestrator.local.aws.server import EmbeddedAws


class Restored:
    """Remembers what there is when it is made."""

    def __init__(self, aws: EmbeddedAws) -> None:
        self._aws = aws
        self._items = {table: self._all(table) for table in self._tables()}
        self._objects = {bucket: self._contents(bucket) for bucket in self._buckets()}

    def restore(self) -> None:
        """Records and objects are as they were; tables and buckets that are new stay, empty."""
        dynamodb, s3 = self._aws.client("dynamodb"), self._aws.client("s3")
        for table in self._tables():
            keys = [one["AttributeName"] for one in dynamodb.describe_table(TableName=table)["Table"]["KeySchema"]]
            for item in self._all(table):
                dynamodb.delete_item(TableName=table, Key={key: item[key] for key in keys})
            for item in self._items.get(table, ()):
                dynamodb.put_item(TableName=table, Item=item)
        for bucket in self._buckets():
            for key in self._contents(bucket):
                s3.delete_object(Bucket=bucket, Key=key)
            for key, body in self._objects.get(bucket, {}).items():
                s3.put_object(Bucket=bucket, Key=key, Body=body)

    def forget_sent(self) -> None:
        """Nobody has sent any mail or message."""
        self._aws.backend("ses").sent_messages.clear()
        for topic in self._aws.backend("sns").topics.values():
            topic.sent_notifications.clear()
        for queue in self._aws.backend("sqs").queues.values():
            queue._messages.clear()

    def _tables(self) -> list[str]:
        pages = self._aws.client("dynamodb").get_paginator("list_tables").paginate()
        return [name for page in pages for name in page["TableNames"]]

    def _all(self, table: str) -> list[dict[str, Any]]:
        pages = self._aws.client("dynamodb").get_paginator("scan").paginate(TableName=table)
        return [item for page in pages for item in page["Items"]]

    def _buckets(self) -> list[str]:
        return [one["Name"] for one in self._aws.client("s3").list_buckets()["Buckets"]]

    def _contents(self, bucket: str) -> dict[str, bytes]:
        s3 = self._aws.client("s3")
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=bucket)
        keys = [one["Key"] for page in pages for one in page.get("Contents", [])]
        return {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys}
