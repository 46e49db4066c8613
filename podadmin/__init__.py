"""podadmin: the desktop application of a data custodian."""

__version__ = "0.1.0"
