"""How a project begins: the files of a new one, and tasks that another scheduler has run so far."""
