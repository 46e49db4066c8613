"""Every act of the table as a command: the same checks as the desktop, text or JSON out, documented exit codes."""
