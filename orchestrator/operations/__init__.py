"""What is done with several stores together."""
