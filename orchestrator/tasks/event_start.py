"""What of an event starts a task."""


LONGEST_WINDOW_SECONDS = 86_400
