"""Step Functions: the interpreter, executions, integrations, and what is told of them."""
