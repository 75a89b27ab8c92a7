"""The functions that the product itself needs."""
