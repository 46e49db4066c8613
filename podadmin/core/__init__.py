"""Values that every room uses: ids, clock, errors, text safety, progress. No room knows less."""
