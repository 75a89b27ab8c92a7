"""What becomes of a slot when an AWS call fails: every call of TaskRunner and of the handlers, with every fault."""
