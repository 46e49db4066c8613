"""The profile, wiring, settings table, acts, jobs and the life of the engine. Knows no screen."""
