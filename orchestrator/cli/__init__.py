"""Commands of `orchestrator`, those that are more than a call: a module each."""
