"""Names and compression of collected static files in production."""

from whitenoise.storage import CompressedManifestStaticFilesStorage


class StaticFilesStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc]  # no types there
    """Names with hashes, in the `import` statements of scripts as well as in style sheets."""

    support_js_module_import_aggregation = True
