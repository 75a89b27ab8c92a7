"""What tasks run: each module or package here with a ``handler`` is a Lambda function, the target ``lambda/NAME``."""

from __future__ import annotations

from collections.abc import Mapping

from orchestrator.functions import Function

#: By module, what differs from the defaults.
SETTINGS: Mapping[str, Function] = {}
