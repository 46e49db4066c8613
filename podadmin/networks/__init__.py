"""The networks that bring requests to a pod: one folder each, and no network knows another."""
