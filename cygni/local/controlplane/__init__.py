"""A real Kubernetes control plane on this machine, in place of the embedded one: etcd, API server, controllers, scheduler.

No containers are needed, since the node runs pods as processes and the gateway carries requests to them. It is what the
contract tests hold the embedded cluster against, and what `make demo CLUSTER=real` runs on.

- `binaries` finds the programs, or builds them from the pinned module in `tests/cluster`.
- `certificates` makes the keys; `commands` says how each program is started (pure); `plane` starts and stops them.
"""
