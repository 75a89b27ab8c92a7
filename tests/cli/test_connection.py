"""What the command line needs before a command is chosen."""

from __future__ import annotations

import subprocess
import sys

#: Each takes a third of a second or more to import, but http.client, which takes a tenth of all that is left.
HEAVY = ("boto3", "http.client", "moto", "orchestrator.deployment", "orchestrator.local", "pydantic", "stepfunctions")


def test_what_only_some_commands_need_is_not_imported_for_all_of_them() -> None:
    code = f"import orchestrator.cli.main, sys; print([name for name in {HEAVY} if name in sys.modules])"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "[]"
