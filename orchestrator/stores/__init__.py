"""One narrow class for each resource of AWS that the product reads or writes, with clients passed in."""
