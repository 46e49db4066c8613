"""Keys and secrets: the OS keyring and its honest states, encrypted key files, and the handles that use them."""
