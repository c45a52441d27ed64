"""The web server's entry point (gunicorn dashboard.wsgi)."""

import os

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
application = get_wsgi_application()

from dashboard.web.http import prerender  # noqa: E402  needs Django set up

prerender.prerender_pages()  # with `--preload`, all web processes share these pages
