"""What gunicorn reads when it starts in this folder; `make run` names this file.

Workers hand only whole requests to threads (`dashboard/web/http/buffering_worker.py`). The product
itself logs each request, without its query. gunicorn's control socket stays closed: signals do.
"""

worker_class = "dashboard.web.http.buffering_worker.BufferingWorker"
control_socket_disable = True
