"""The cluster process of the embedded cloud: the API server in a thread, and the node that runs its pods."""
