# Fieldwatch's image: one for web, worker and beat; compose.yaml shows them together.
# To pin the base image: docker build --build-arg BASE=python:3.11-slim@sha256:<digest> .
ARG BASE=python:3.11-slim
# The release of compose's database: `backup` and `restore` need its own pg_dump and pg_restore.
ARG POSTGRES=postgres:16.10
FROM ${POSTGRES} AS postgresql

FROM ${BASE} AS packages
COPY requirements/app.txt /tmp/app.txt
RUN python -m venv /opt/fieldwatch && /opt/fieldwatch/bin/pip install --no-cache-dir --require-hashes --no-deps -r /tmp/app.txt

FROM ${BASE}
ENV PATH=/opt/fieldwatch/bin:$PATH PYTHONUNBUFFERED=1 PYTHONDONTWRITEBYTECODE=1 \
    FIELDWATCH_HOME=/var/lib/fieldwatch FIELDWATCH_STATIC=/srv/static FIELDWATCH_PRODUCTION=1 LOG_FORMAT=json
RUN apt-get update && apt-get install -y --no-install-recommends libpq5 && rm -rf /var/lib/apt/lists/*
COPY --from=postgresql /usr/lib/postgresql/16/bin/pg_dump /usr/lib/postgresql/16/bin/pg_restore /usr/local/bin/
RUN useradd --system --uid 10001 --create-home --home-dir /var/lib/fieldwatch fieldwatch && install -d -o fieldwatch -m 700 /backups
WORKDIR /srv/fieldwatch
COPY --from=packages /opt/fieldwatch /opt/fieldwatch
COPY manage.py gunicorn.conf.py pyproject.toml ./
COPY dashboard dashboard
COPY templates templates
COPY static static
COPY docs docs
# This step needs no keys: they come with the environment when the image runs.
RUN FIELDWATCH_PRODUCTION=0 FIELDWATCH_HOME=/tmp/build python manage.py collectstatic --noinput --verbosity 0 && rm -rf /tmp/build
USER fieldwatch
EXPOSE 8000
HEALTHCHECK --interval=15s --timeout=5s --start-period=20s CMD ["python", "-m", "dashboard.management.alive"]
CMD ["gunicorn", "dashboard.wsgi", "--bind", "0.0.0.0:8000", "--workers", "2", "--threads", "4", "--preload", "--graceful-timeout", "30"]
