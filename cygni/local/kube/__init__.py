"""The embedded cluster: a server of the Kubernetes API with the few controllers that make Deployments run.

The official client and kubectl work against it. Rooms, from the inside out: `schema` (types), `resources` (which kinds there
are), `storage` (objects, history, watches), `apply`, `patches`, `validation`, `defaulting` (what happens to an object on its
way), `verbs` (create … delete, all rules in order), `controllers`, `web` (HTTP), `server` (start and stop).
"""
