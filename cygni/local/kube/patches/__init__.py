"""The patch formats of Kubernetes."""
