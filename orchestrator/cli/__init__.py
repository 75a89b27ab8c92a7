"""The command `orchestrator`: a module for each subcommand, and what they share."""
