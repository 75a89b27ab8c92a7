"""The state machines that the product itself needs."""
