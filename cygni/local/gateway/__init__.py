"""The gateway: one public port that carries requests to the pods behind HTTPRoutes, and counts them.

A plain client of the Kubernetes API: it lists and watches Gateways, HTTPRoutes, Services and Pods, and knows nothing of
who serves that API. Read it in this order:

- `objects` turns API objects into facts; `rules` decides (which host, which path, which weight, which endpoint); `table`
  joins both into an immutable routing table. All three are pure.
- `headers` and `http1` speak HTTP/1.1 without sockets; `upstream` is connections to pods; `exchange` is one request and
  its answer; `tunnel` is an upgraded connection; `answers` is what the gateway says itself.
- `sleep` wakes services that sleep and puts them to sleep; `scaling` tells the cluster.
- `proxy` follows one request from match to metrics; `metrics` and `admin` tell about it.
- `inventory` holds what the API said last, `watch` keeps it current, `server` puts everything together.

Nothing is ever retried: a request is answered by the one pod it was given to, or by the gateway with a 5xx that says
what happened. See `exchange` for the one case that looks like a retry and is not.
"""
