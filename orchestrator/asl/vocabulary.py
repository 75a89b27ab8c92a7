"""Expressions that every state machine needs: which execution this is, whose account it runs in, why a call failed."""

from __future__ import annotations

from orchestrator.runs.run import CAUSE_LIMIT, CONTROL_PATTERN

EXECUTION_ARN = "$states.context.Execution.Id"
STARTED_AT = "$states.context.Execution.StartTime"

#: ``arn:PARTITION:states:REGION:ACCOUNT``. No region or account stands in the definition; the first five fields of an
#: execution's ARN are the same however the execution was started, what follows them may name a version or an alias.
STATES_ARN = f"$join($split({EXECUTION_ARN}, ':')[[0..4]], ':')"

#: Of a nested execution's input: the console links the execution to its parent by this name.
STARTED_BY = "AWS_STEP_FUNCTIONS_STARTED_BY_EXECUTION_ID"


def one_line(text: str) -> str:
    """The expression of :func:`orchestrator.runs.run.one_line`."""
    return f"$substring($replace({text}, /{CONTROL_PATTERN}/, ' '), 0, {CAUSE_LIMIT})"


#: The cause of the error that a state catches, as Step Functions has it; empty if it has none.
CAUSE_TEXT = "($exists($states.errorOutput.Cause) ? $string($states.errorOutput.Cause) : '')"

#: The same, fit for a row and an alert: of a Lambda function's error its message.
CAUSE = rf"""(
    $cause := {CAUSE_TEXT};
    $message := $match($cause, /"errorMessage":\s*"((?:\\.|[^"])*)"/)[0].groups[0];
    {one_line("($exists($message) ? $message : $cause)")}
)"""
