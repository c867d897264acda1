"""What must differ between processes that were restored from one snapshot: the jitter of waits, seeded when Python starts.

Ids and secrets come from the kernel at each use, the time is read at each use, and no client, connection or credential exists
before the first request: `tests/chalicelib/api/test_snapshot.py` holds the import to that.
"""

from __future__ import annotations

import random


def reseed_after_restore() -> None:
    """Asks Lambda's runtime, where it takes snapshots, to seed the jitter anew in each process that it restores."""
    try:
        from snapshot_restore_py import register_after_restore  # type: ignore[import-not-found]  # the runtime's own
    except ImportError:
        return
    register_after_restore(random.seed)
