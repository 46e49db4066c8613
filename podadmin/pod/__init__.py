"""The pod of this profile: its record, and the small real pod that is built in."""
