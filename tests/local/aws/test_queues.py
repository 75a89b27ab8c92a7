"""Queues as SQS keeps them."""

from __future__ import annotations

import json

from orchestrator.local.aws.server import EmbeddedAws

POLICY = json.dumps(
    {
        "Version": "2012-10-17",
        "Statement": [{"Effect": "Allow", "Principal": "*", "Action": "sqs:SendMessage", "Resource": "*"}],
    }
)


def test_a_queue_keeps_its_policy_until_another_one_is_set(aws: EmbeddedAws) -> None:
    sqs = aws.client("sqs")
    url = sqs.create_queue(QueueName="jobs", Attributes={"Policy": POLICY})["QueueUrl"]

    def policy() -> str | None:
        found = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["All"])["Attributes"]
        return str(found["Policy"]) if "Policy" in found else None

    sqs.set_queue_attributes(QueueUrl=url, Attributes={"VisibilityTimeout": "1"})
    assert json.loads(policy() or "{}") == json.loads(POLICY)
    sqs.set_queue_attributes(QueueUrl=url, Attributes={"Policy": ""})
    assert policy() is None


def test_the_answer_to_a_batch_names_what_failed_only_where_something_has(aws: EmbeddedAws) -> None:
    sqs = aws.client("sqs")
    url = sqs.create_queue(QueueName="batches")["QueueUrl"]
    sent = sqs.send_message_batch(QueueUrl=url, Entries=[{"Id": "a", "MessageBody": "one"}])
    assert [one["Id"] for one in sent["Successful"]] == ["a"]
    assert "Failed" not in sent
    unknown = sqs.delete_message_batch(QueueUrl=url, Entries=[{"Id": "b", "ReceiptHandle": "no receipt"}])
    assert [one["Id"] for one in unknown["Failed"]] == ["b"]
    assert "Successful" not in unknown
