"""Which kinds are served, and what is known of each."""
