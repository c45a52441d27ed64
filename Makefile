# The commands a person must know: run, test, check, bench, lock, sbom.
PYTHON ?= python3
VENV ?= .venv
# More than a core each: many tests wait for a server, a browser or a mail.
WORKERS ?= 3
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check --quiet
UV_COMPILE := $(BIN)/uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --python-version 3.11

.PHONY: install install-dev run test check bench soak sbom lock docs pictures
.DEFAULT_GOAL := run

$(VENV)/.app: requirements/app.txt
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(PIP) install --require-hashes --no-deps -r requirements/app.txt
	touch $@

$(VENV)/.dev: requirements/dev.txt $(VENV)/.app
	$(PIP) install --require-hashes --no-deps -r requirements/dev.txt
	touch $@

$(VENV)/.bench: requirements/bench.txt $(VENV)/.dev
	$(PIP) install --require-hashes --no-deps -r requirements/bench.txt
	touch $@

install: $(VENV)/.app

install-dev: $(VENV)/.dev

run: install
	@exec $(BIN)/python manage.py run --with-parent $(ARGS)

test: install-dev
	@exec $(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup --no-loadscope-reorder $(ARGS)

check: install-dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python manage.py makemigrations --check --dry-run
	FIELDWATCH_PRODUCTION=1 SECRET_KEY=$$($(BIN)/python -c 'import secrets; print(secrets.token_urlsafe(64))') \
	  ENCRYPTION_KEYS=$$($(BIN)/python -c 'from cryptography.fernet import Fernet; print(Fernet.generate_key().decode())') \
	  DATABASE_URL=postgres://database/fieldwatch TRUSTED_PROXIES=none \
	  ALLOWED_HOSTS=fieldwatch.example FIELDWATCH_URL=https://fieldwatch.example \
	  $(BIN)/python manage.py check --deploy --fail-level WARNING
	$(BIN)/python requirements/check.py
	$(BIN)/python requirements/audit.py

bench: $(VENV)/.bench
	@exec $(BIN)/python -m bench $(ARGS)

soak: install-dev
	@exec $(BIN)/python -m bench --soak $(ARGS)

docs: install-dev
	$(BIN)/python docs/settings.py
	$(BIN)/python docs/glossary.py
	$(BIN)/python docs/figures.py
	$(BIN)/python docs/openapi.py

sbom: install-dev
	$(BIN)/python requirements/sbom.py

lock: install-dev
	$(UV_COMPILE) pyproject.toml -o requirements/app.txt
	$(UV_COMPILE) pyproject.toml --group dev -c requirements/app.txt -o requirements/dev.txt
	$(UV_COMPILE) --group bench -c requirements/dev.txt -o requirements/bench.txt

pictures: install-dev
	@exec $(BIN)/python docs/make_pictures.py
