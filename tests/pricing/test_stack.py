"""What a stack costs without any run is read off its template."""

from __future__ import annotations

from orchestrator.pricing.stack import fixed_lines
from orchestrator.pricing.usage import total

TEMPLATE = {
    "Resources": {
        "Key": {"Type": "AWS::KMS::Key"},
        "Late": {"Type": "AWS::CloudWatch::Alarm"},
        "Failed": {"Type": "AWS::CloudWatch::Alarm"},
        "Dashboard": {"Type": "AWS::CloudWatch::Dashboard"},
        "Queue": {"Type": "AWS::SQS::Queue"},
        "Table": {"Type": "AWS::DynamoDB::Table"},
        "FromQueue": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {"EventSourceArn": {"Fn::GetAtt": ["Queue", "Arn"]}},
        },
        "FromTheirs": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {"EventSourceArn": "arn:aws:sqs:us-east-1:123456789012:legacy"},
        },
        "FromStream": {
            "Type": "AWS::Lambda::EventSourceMapping",
            "Properties": {"EventSourceArn": {"Fn::GetAtt": ["Table", "StreamArn"]}},
        },
    }
}


def test_what_is_there_is_paid_for_and_a_stream_is_read_for_nothing() -> None:
    used = total(fixed_lines(TEMPLATE)).parts()
    there = {name: int(used[name]) for name in ("key", "alarm", "dashboard", "queue_request")}
    # Of two queues, one of them somebody else's: five requests at once, three a minute each, the whole month.
    assert there == {"key": 1, "alarm": 2, "dashboard": 1, "queue_request": 2 * 5 * 3 * 60 * 730}


def test_the_heartbeat_is_sent_in_every_hour() -> None:
    assert int(total(fixed_lines({"Resources": {}})).parts()["metric_hour"]) == 730
