"""A definition's fields with their expressions evaluated, as the interpreter evaluates them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from orchestrator.local.aws.step_functions import jsonata


def filled(field: Any, bindings: Mapping[str, Any], now: datetime) -> Any:
    """Arguments, Assign or any part of them. Raises
    :class:`~orchestrator.local.aws.step_functions.jsonata.EvaluationFailed`.
    """
    if isinstance(field, Mapping):
        return {name: filled(inner, bindings, now) for name, inner in field.items()}
    if isinstance(field, list):
        return [filled(inner, bindings, now) for inner in field]
    if isinstance(field, str) and field.startswith("{%"):
        return jsonata.evaluate(field.removeprefix("{%").removesuffix("%}").strip(), bindings, now)
    return field
