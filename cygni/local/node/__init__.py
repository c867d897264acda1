"""A node that runs pods as processes: a plain client of the Kubernetes API, for the embedded cluster or a real one."""
