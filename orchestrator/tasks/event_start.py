"""What of an event starts a task."""

#: The longest window of events that are one run.
LONGEST_WINDOW_SECONDS = 86_400
