"""The acts: one module for each first word of a command, found through `registry.ROOMS`."""
