"""The relays that stand between a pod and its network: nothing reaches the pod, or leaves it, past them."""
