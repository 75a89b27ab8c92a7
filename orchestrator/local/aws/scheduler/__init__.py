"""EventBridge Scheduler: what it refuses, when it fires, and how it delivers."""
