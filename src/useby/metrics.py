"""Metrics of a node, for Prometheus. No label ever contains a user, a token or an address."""

import gc
import time
from typing import Any, Final

from prometheus_client import Counter, Gauge, Histogram

MULTIPROCESS: Final = "PROMETHEUS_MULTIPROC_DIR"
"""Environment variable with the folder of the counters, set if a node has several processes."""

# connections

connections = Gauge(
    "useby_connections",
    "Open WebSocket connections of this node, closing ones included.",
    multiprocess_mode="livesum",
)
connections_closed = Counter(
    "useby_connections_closed",
    "WebSocket connections closed, by close code and reason; codes chosen by clients are other.",
    ["code", "reason"],
)
frames_received = Counter(
    "useby_frames_received", "WebSocket frames received, control and empty frames included."
)
client_frames_ignored = Counter(
    "useby_client_frames_ignored",
    "Client frames ignored because the contract defines no answer, by reason.",
    ["reason"],
)

# notifications and the alert scheduler

notifications_committed = Counter(
    "useby_notifications_committed", "Notifications committed by this node."
)
alert_batches = Counter(
    "useby_alert_batches", "Batches of due products that the scheduler processed."
)
alerts_sent = Counter("useby_alerts_sent", "Alerts that the scheduler sent.")
alert_failures = Counter(
    "useby_alert_failures", "Products quarantined because their alert cannot be computed."
)

# channels

deliveries = Counter(
    "useby_deliveries",
    "Attempts of this node to deliver a notification over a channel, by kind of channel and"
    " outcome: sent, skipped_seen, failed, retried; given_up counts notifications after 24 hours.",
    ["kind", "outcome"],
)
deliveries_running = Gauge(
    "useby_deliveries_running",
    "Channels that this node is sending to.",
    multiprocess_mode="livesum",
)

account_mails = Counter(
    "useby_account_mails",
    "Mails that people requested of this node, by kind (reset, confirmation) and outcome: sent,"
    " failed.",
    ["kind", "outcome"],
)

# quotas

quota_refusals = Counter(
    "useby_quota_refusals",
    "Requests refused with 409 because an account or a product has reached a quota, by quota.",
    ["quota"],
)

# the database

reads_waiting = Gauge(
    "useby_reads_waiting",
    "Long reads (lists, searches) that wait for another read of the same user.",
    multiprocess_mode="livesum",
)
reads_refused = Counter(
    "useby_reads_refused", "Long reads refused: too many reads of the user waited, or for too long."
)
reads_timed_out = Counter("useby_reads_timed_out", "Long reads cancelled at their time limit.")
wal_bytes = Gauge(
    "useby_wal_bytes",
    "Size of SQLite's write-ahead log after this node's last commit.",
    multiprocess_mode="livemax",
)

# between nodes

nats_connected = Gauge(
    "useby_nats_connected",
    "Connections to NATS on which this node receives hints; 0 with any other bus.",
    multiprocess_mode="livesum",
)
nats_reconnects = Counter("useby_nats_reconnects", "Reconnections to NATS after a lost connection.")
hints_sent = Counter("useby_hints_sent", "Hints passed to NATS for other nodes.")
hints_received = Counter("useby_hints_received", "Hints received from other nodes.")
hints_dropped = Counter("useby_hints_dropped", "Hints dropped because the send queue was full.")

# HTTP

http_request_duration_seconds = Histogram(
    "useby_http_request_duration_seconds",
    "Time from a request's head to its answer, by method, route template and status; of an upgrade"
    " to its accepted handshake, before the token is verified.",
    ["method", "route", "status"],
)

requests_rejected = Counter(
    "useby_requests_rejected",
    "Requests refused before a route was called, by status or reason: late (cut at the deadline),"
    " full (no spare descriptor), unread (the peer did not read its answer).",
    ["reason"],
)

# the process

gc_pause_seconds = Histogram(
    "useby_gc_pause_seconds",
    "Pauses caused by the garbage collector, by generation.",
    ["generation"],
    buckets=(0.0001, 0.0005, 0.001, 0.005, 0.01, 0.05, 0.1, 0.5, 1.0),
)
_pauses = [gc_pause_seconds.labels(str(generation)) for generation in range(3)]
_collection_began = 0.0


def time_collector() -> None:
    """Start to measure every pause of the garbage collector."""
    if _on_collection not in gc.callbacks:
        gc.callbacks.append(_on_collection)


def _on_collection(phase: str, info: dict[str, Any]) -> None:
    # Python runs one collection at a time, so one start time is enough.
    global _collection_began  # noqa: PLW0603
    if phase == "start":
        _collection_began = time.perf_counter()
    else:
        _pauses[info["generation"]].observe(time.perf_counter() - _collection_began)
