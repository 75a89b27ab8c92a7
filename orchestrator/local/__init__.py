"""Our application on the embedded AWS: a session of it, and sample data."""
