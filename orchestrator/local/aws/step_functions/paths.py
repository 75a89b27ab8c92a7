"""JSONPath as Step Functions has it: a path that can lead to one place only gives the value that is there.

moto makes a list of what lies behind an index (``$.lines[1].n``), and reads every path anew each time it is asked for.
"""

from __future__ import annotations

import functools
import re
import sys
from typing import Any

from jsonpath_ng.ext.parser import parse
from moto.stepfunctions.parser.asl.utils import json_path

from orchestrator.local.aws.parts import Aws
from orchestrator.local.aws.replacements import replaces

#: A wildcard, a descent, a filter, a slice or a union: what may lead to several places.
_SEVERAL = re.compile(r"\*|\.\.|\?\(|\[[^\]'\"]*[:,][^\]]*\]")

_read = functools.lru_cache(1024)(parse)


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
