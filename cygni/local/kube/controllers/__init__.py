"""What makes Deployments run: each controller turns one kind of wish into other objects."""
