"""What gunicorn reads when it starts in this folder; `make run` names this file.

Workers hand only whole requests to threads (`dashboard/web/http/buffering_worker.py`). The product
itself logs each request, without its query. gunicorn's control socket stays closed: signals do.
"""

import os
import shutil
import tempfile

from prometheus_client.multiprocess import mark_process_dead

worker_class = "dashboard.web.http.buffering_worker.BufferingWorker"
control_socket_disable = True

if os.environ.get("LOG_FORMAT") == "json":
    logconfig_dict = {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {"json": {"()": "dashboard.logs.Json"}},
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
        "root": {"level": "INFO", "handlers": ["stderr"]},
        "loggers": {
            name: {"level": "INFO", "handlers": ["stderr"], "propagate": False}
            for name in ("gunicorn.error", "gunicorn.access")
        },
    }

# Where the web processes keep what they count, so that each can tell all of it. It is set before
# the product is loaded, which decides then.
_made_here = "PROMETHEUS_MULTIPROC_DIR" not in os.environ
if _made_here:
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = tempfile.mkdtemp(prefix="fieldwatch-counts-")


def on_exit(_server):
    """Remove the folder when the last process has ended."""
    if _made_here:
        shutil.rmtree(os.environ["PROMETHEUS_MULTIPROC_DIR"], ignore_errors=True)


def child_exit(_server, worker):
    """Forget the gauges of a process that ended; its counts stay."""
    mark_process_dead(worker.pid)
