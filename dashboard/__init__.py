"""Fieldwatch: a dashboard that watches survey target groups on the Cint Exchange.

How data flows, and back:

    exchange ──> sync ──> fielding ──> alerts / web
    exchange <── sync <───────────────────────  web

`dashboard.celery` holds the Celery application; it is not imported here, so that the simulator and
the exchange client start without it.
"""

#: the release; the packaging, the pages' footer, /healthz and `--version` read it here
__version__ = "0.2.0"
