"""What a node counts, for Prometheus. No label ever names a user, a token or an address."""

from prometheus_client import Counter, Gauge, Histogram

connections = Gauge(
    "useby_connections", "WebSocket connections open on this node, closing ones too."
)
closes = Counter(
    "useby_closes", "WebSocket connections closed, by close code and reason.", ["code", "reason"]
)
client_frames_ignored = Counter(
    "useby_client_frames_ignored",
    "Client frames that the contract gives no answer for, by what is wrong with them.",
    ["reason"],
)
alerts_said = Counter("useby_alerts_said", "Alerts that the clock has said.")
alert_faults = Counter("useby_alert_faults", "Products set aside: their alert can't be worked out.")
request_seconds = Histogram(
    "useby_request_seconds",
    "Time from a request's head to its answer, by route and status.",
    ["method", "route", "status"],
)
