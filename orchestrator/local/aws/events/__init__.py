"""EventBridge: events of executions, and rules with their targets."""
