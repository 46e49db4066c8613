"""The acts: everything that a page or a command can do, one module for each first word. See `registry`."""
