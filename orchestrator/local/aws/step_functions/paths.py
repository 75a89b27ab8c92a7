"""JSONPath as Step Functions has it: a path that can lead to one place only gives the value that is there.

moto makes a list of what lies behind an index (``$.lines[1].n``), fails in a payload template at an index past the end
of an array, which is null on AWS (floci-io/floci#3167, measured), and reads every path anew each time it is asked for.
"""

from __future__ import annotations

import functools
import re
import sys
from typing import Any

from jsonpath_ng import Child, Index
from jsonpath_ng.ext.parser import parse
from moto.stepfunctions.parser.asl.component.common.payload.payloadvalue.payloadbinding.payload_binding import (
    PayloadBindingStringExpressionSimple,
)
from moto.stepfunctions.parser.asl.component.common.string.string_expression import StringJsonPath
from moto.stepfunctions.parser.asl.utils import json_path

from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces

#: A wildcard, a descent, a filter, a slice or a union: what may lead to several places.
_SEVERAL = re.compile(r"\*|\.\.|\?\(|\[[^\]'\"]*[:,][^\]]*\]")

_read = functools.lru_cache(1024)(parse)


def _is_past_the_end(path: str, data: Any) -> bool:
    """Whether a path ends in an index behind the last element of an array."""
    tree = _read(path)
    if not isinstance(tree, Child) or not isinstance(tree.right, Index):
        return False
    found = [match.value for match in tree.left.find(data)]
    return len(found) == 1 and isinstance(found[0], list) and all(at >= len(found[0]) for at in tree.right.indices)


def install(aws: Aws) -> None:
    """Replaces how moto follows a path, in each module that has it under its name."""
    follow = json_path.extract_json

    def extract_json(path: str, data: Any) -> Any:
        if not _SEVERAL.search(path) and (matches := _read(path).find(data)):
            return matches[0].value
        return follow(path, data)

    for module in [m for name, m in sys.modules.items() if name.startswith("moto.stepfunctions.parser")]:
        if vars(module).get("extract_json") is follow:
            replaces(module, "extract_json", digest="0d79f1ca93a4")(extract_json)
    replaces(json_path, "parse", digest="c31392959863")(_read)
    evaluate = PayloadBindingStringExpressionSimple._eval_val

    @replaces(PayloadBindingStringExpressionSimple, "_eval_val", digest="86037395850a")
    def eval_val(self: Any, env: Any) -> Any:
        path = self.string_expression_simple
        past = type(path) is StringJsonPath and _is_past_the_end(path.json_path, env.stack[-1])
        return None if past else evaluate(self, env)
