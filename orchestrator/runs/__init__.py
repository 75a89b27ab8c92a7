"""What happened: runs, the state of a task, the ends of executions, dead letters, missed slots, and who is told."""
