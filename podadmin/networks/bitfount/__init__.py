"""The wire of a Bitfount network: bytes in, values out, and back. Nothing here decides anything."""
