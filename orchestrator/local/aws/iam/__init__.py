"""IAM: what a request asks for, and what policies allow."""
