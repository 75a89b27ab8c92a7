"""What scanners ask for and the template leaves out, with the reason; a scanner reads it in the resource's metadata.

``make scan`` fails for whatever is neither there nor here.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

#: By checkov's ids.
FUNCTION: Mapping[str, str] = {
    "CKV_AWS_116": "Dead letters are of asynchronous calls, and nobody calls it so: Step Functions waits for the"
    " answer, and what comes from a queue or a stream goes on to the queue HandlerFailures.",
    "CKV_AWS_117": "It uses AWS's own endpoints and the internet, nothing in a VPC, where each would need a way out.",
}

TASK_FUNCTION: Mapping[str, str] = {
    **FUNCTION,
    "CKV_AWS_115": "What is reserved for one function is taken from all others for good. TaskRunner retries a throttled"
    " call, an alarm tells of it, and overlap policies say how often a task runs at once.",
}

URL: Mapping[str, str] = {
    "CKV_AWS_258": "Senders of webhooks sign as they sign, and not for IAM: the function checks the signature.",
}

BUCKET: Mapping[str, str] = {
    "CKV_AWS_18": "Access logs need a bucket of their own, which has none. Who may read and write is in the roles; who"
    " did is for the account's CloudTrail data events.",
}


def skipped(reasons: Mapping[str, str]) -> dict[str, Any]:
    """Metadata of a resource: what checkov is not to ask for, and why."""
    return {"checkov": {"skip": [{"id": name, "comment": reason} for name, reason in reasons.items()]}}
