"""What can be connected: kinds of datasource, testing them, and what is kept about those that were added."""
