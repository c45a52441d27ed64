"""What a web process counts: answers, their duration, refused sign-ins.

With PROMETHEUS_MULTIPROC_DIR, which `gunicorn.conf.py` sets, the counts of all web processes of a
machine are kept in files there and added up by whichever process is asked.
"""

from __future__ import annotations

import os

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.multiprocess import MultiProcessCollector

OWN = CollectorRegistry()  # of this process; the interpreter's own figures are not in it
ANSWERS = Counter(
    "fieldwatch_http_answers",
    "HTTP answers by view and status",
    ["view", "method", "status"],
    registry=OWN,
)
SECONDS = Histogram(
    "fieldwatch_http_seconds",
    "Seconds from a whole request to the end of its answer, by view",
    ["view"],
    registry=OWN,
    buckets=(0.01, 0.03, 0.1, 0.3, 1, 3, 10),
)
REFUSED_SIGN_INS = Counter(
    "fieldwatch_refused_sign_ins", "Sign-ins with a wrong password or code", registry=OWN
)
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})


def count_answer(view: str, method: str, status: int, seconds: float) -> None:
    """Count an answer; `view` is the name of its address, empty where no address matches."""
    name = view or "none"
    ANSWERS.labels(name, method if method in METHODS else "other", str(status)).inc()
    SECONDS.labels(name).observe(seconds)


def traffic_text() -> bytes:
    """Return the counts in the text format of Prometheus."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(OWN)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
