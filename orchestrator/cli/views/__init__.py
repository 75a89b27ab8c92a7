"""What an operator looks at: tables for people, JSON for programs."""
