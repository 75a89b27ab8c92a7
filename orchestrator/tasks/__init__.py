"""What was declared: tasks, their retry policy, their slots, and the names of their schedules."""
