"""What an account has: its backends, and its quotas, which moto's Lambda does not tell. A new account's are lower."""

from __future__ import annotations

from typing import Any

from moto.awslambda import urls
from moto.awslambda.responses import LambdaResponse
from moto.core.base_backend import BackendDict
from moto.core.responses import ActionResult

from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import adds, replaces

#: "Lambda quotas": concurrent executions of an account in a region.
CONCURRENT_EXECUTIONS = 1000


def install(aws: Aws) -> None:
    """Answers with Lambda's default quota, less what functions have reserved; and finds the backends of an account
    without a lock and a look at all that there are, as each request does some ten times.
    """
    make = BackendDict.__getitem__

    @replaces(BackendDict, "__getitem__", digest="8186176ec27f")
    def of_account(self: Any, account_id: str) -> Any:
        return dict.get(self, account_id) or make(self, account_id)

    @adds(LambdaResponse, "get_account_settings")
    def get_account_settings(self: Any) -> ActionResult:
        functions = self.backend.list_functions()
        reserved = sum(int(one.reserved_concurrency or 0) for one in functions)
        limit = {
            "ConcurrentExecutions": CONCURRENT_EXECUTIONS,
            "UnreservedConcurrentExecutions": CONCURRENT_EXECUTIONS - reserved,
        }
        return ActionResult({"AccountLimit": limit, "AccountUsage": {"FunctionCount": len(functions)}})

    adds(urls.url_paths, r"{0}/(?P<api_version>[^/]+)/account-settings/?$")(LambdaResponse.dispatch)
