"""How much of a model may be used, how much was: limits of the networks, meters, reservations."""
