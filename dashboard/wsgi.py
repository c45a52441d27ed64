"""The web server's entry point (gunicorn dashboard.wsgi)."""

import gc
import os

from django.core.wsgi import get_wsgi_application
from django.urls import get_resolver

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "dashboard.settings")
application = get_wsgi_application()
# With `--preload`, what is loaded now is shared by all web processes, and stays so.
_loaded = get_resolver().url_patterns
gc.freeze()
