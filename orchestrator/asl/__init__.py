"""States, definitions and integrations: what builds state machines, on the stepfunctions SDK."""
