"""What a node counts, for Prometheus. No label ever names a user, a token or an address."""

import gc
import time
from typing import Any

from prometheus_client import Counter, Gauge, Histogram

# the socket

connections = Gauge(
    "useby_connections",
    "WebSocket connections open on this node, closing ones too.",
    multiprocess_mode="livesum",
)
connections_closed = Counter(
    "useby_connections_closed",
    "WebSocket connections closed, by close code and reason; codes of clients' own count as other.",
    ["code", "reason"],
)
frames_received = Counter(
    "useby_frames_received", "WebSocket frames received, control and empty ones too."
)
client_frames_ignored = Counter(
    "useby_client_frames_ignored",
    "Client frames that the contract gives no answer for, by what is wrong with them.",
    ["reason"],
)

# notifications and the alert clock

notifications_committed = Counter(
    "useby_notifications_committed", "Notifications that this node has put on stable storage."
)
alert_batches = Counter("useby_alert_batches", "Batches of due products that the clock settled.")
alerts_sent = Counter("useby_alerts_sent", "Alerts that the clock has said.")
alert_failures = Counter(
    "useby_alert_failures", "Products set aside: their alert can't be worked out."
)

# what an account may keep

quota_refusals = Counter(
    "useby_quota_refusals",
    "Requests refused (409) because an account has reached a limit, by the figure that is limited.",
    ["quota"],
)

# the database

reads_waiting = Gauge(
    "useby_reads_waiting",
    "Long reads (lists, searches) that wait for a turn of their user.",
    multiprocess_mode="livesum",
)
reads_refused = Counter(
    "useby_reads_refused", "Long reads refused: too many of their user waited, or they too long."
)
reads_timed_out = Counter("useby_reads_timed_out", "Long reads ended at their time limit.")
wal_bytes = Gauge(
    "useby_wal_bytes",
    "Size of SQLite's write-ahead log after this node's last commit.",
    multiprocess_mode="livemax",
)

# between nodes

nats_connected = Gauge(
    "useby_nats_connected",
    "Connections to NATS over which this node hears others; no other bus has any.",
    multiprocess_mode="livesum",
)
nats_reconnects = Counter("useby_nats_reconnects", "Connections to NATS that followed a lost one.")
hints_sent = Counter("useby_hints_sent", "Hints that were handed to NATS for other nodes.")
hints_received = Counter("useby_hints_received", "Hints heard from other nodes.")
hints_dropped = Counter(
    "useby_hints_dropped", "Hints for other nodes that were too old by the time there was room."
)

# HTTP

http_request_duration_seconds = Histogram(
    "useby_http_request_duration_seconds",
    "Time from a request's head to its answer, by the route's template and status.",
    ["method", "route", "status"],
)

requests_rejected = Counter(
    "useby_requests_rejected",
    "Requests refused before a route was called: by status, as late (cut at the deadline), as full"
    " (no descriptor to spare); and connections whose peer did not read its answer, as unread.",
    ["reason"],
)

# the process

gc_pause_seconds = Histogram(
    "useby_gc_pause_seconds",
    "How long the garbage collector stopped everything, by generation.",
    ["generation"],
    buckets=(0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0),
)
_pauses = [gc_pause_seconds.labels(str(generation)) for generation in range(3)]
_collection_began = 0.0


def time_collector() -> None:
    """Have every pause of the garbage collector measured from now on."""
    if _on_collection not in gc.callbacks:
        gc.callbacks.append(_on_collection)


def _on_collection(phase: str, info: dict[str, Any]) -> None:
    # Python runs one collection at a time, so one moment is enough to remember.
    global _collection_began  # noqa: PLW0603
    if phase == "start":
        _collection_began = time.perf_counter()
    else:
        _pauses[info["generation"]].observe(time.perf_counter() - _collection_began)
