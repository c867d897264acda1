"""The data plane: manifests, apply and prune, readiness, traffic weights, logs."""
