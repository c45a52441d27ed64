"""The server's side of the pages, in its own process: `python -m bench.pages.measured_process`.

Each figure is a ratio of CPU times, ours and the reference turn about in one run.
"""

import json
import statistics
import sys
import time
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import django
import msgspec

ROUNDS, WARM = 25, 5
HERE = Path(__file__).parent
Ratio = dict[str, float]


def main() -> None:
    """Prints a JSON object: the ratios, and the sessions of fifty people for who asks next."""
    django.setup()
    from django.core.management import call_command  # noqa: PLC0415 - after the set-up

    from bench.pages import fixtures  # noqa: PLC0415

    call_command("migrate", verbosity=0, interactive=False)
    call_command("collectstatic", verbosity=0, interactive=False)
    sessions = fixtures.fill()
    site = Site(sessions[0])
    told = {"project": project_page(site), "chart": group_chart(site), "refresh": refresh(site)}
    sys.stdout.write(json.dumps({"sessions": sessions} | told))


class Site:
    """The whole product behind WSGI, as gunicorn calls it, asked by one person."""

    def __init__(self, session: str) -> None:
        from django.conf import settings  # noqa: PLC0415
        from django.core.handlers.wsgi import WSGIHandler  # noqa: PLC0415

        settings.ROOT_URLCONF = "bench.pages.urls"
        settings.ALLOWED_HOSTS = ["127.0.0.1"]
        self.app = WSGIHandler()
        self.cookie = f"{settings.SESSION_COOKIE_NAME}={session}"

    def get(self, address: str, **headers: str) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body."""
        path, _, query = address.partition("?")
        environ = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path,
            "QUERY_STRING": query,
            "SERVER_NAME": "127.0.0.1",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "HTTP_HOST": "127.0.0.1",
            "HTTP_COOKIE": self.cookie,
            "wsgi.input": BytesIO(),
            "wsgi.url_scheme": "http",
            "wsgi.errors": sys.stderr,
            **{f"HTTP_{name.upper()}": value for name, value in headers.items()},
        }
        said: dict[str, Any] = {}

        def start(status: str, headers: list[tuple[str, str]], _: Any = None, /) -> Any:
            said["status"], said["headers"] = int(status.split(maxsplit=1)[0]), dict(headers)

        answer: Any = self.app(environ, start)
        body = b"".join(answer)
        answer.close()
        return said["status"], said["headers"], body


def ratio(ours: Callable[[], Any], reference: Callable[[], Any], times: int = 1) -> Ratio:
    """Median CPU milliseconds of both, turn about, and their ratio."""
    taken: tuple[list[float], list[float]] = ([], [])
    for turn in range(ROUNDS + WARM):
        for side, run in zip(taken, (ours, reference), strict=True):
            began = time.process_time()
            for _ in range(times):
                run()
            if turn >= WARM:
                side.append((time.process_time() - began) / times * 1000)
    one, other = (statistics.median(side) for side in taken)
    return {"ours": one, "reference": other, "ratio": one / other}


def project_page(site: Site) -> Ratio:
    """The page of 200 groups ÷ a bare template with the same values already in memory."""
    from django.template import Context, Engine  # noqa: PLC0415

    from bench.pages.reference_values import values  # noqa: PLC0415

    template = Engine().from_string((HERE / "reference.html").read_text())
    headings, rows = values()
    status, _, body = site.get("/projects/1/?rows=200")
    assert status == 200, status
    assert body.count(b'id="g') == len(rows) == 200
    bare = template.render(Context({"title": "Brand tracker", "headings": headings, "rows": rows}))
    for row in rows:
        for key in ("name", "progress", "cpi", "loi", "short", "spark"):
            assert str(row[key]).encode() in body, (key, row[key])
            assert str(row[key]) in bare

    def reference() -> None:
        template.render(Context({"title": "Brand tracker", "headings": headings, "rows": rows}))

    return ratio(lambda: site.get("/projects/1/?rows=200"), reference)


def group_chart(site: Site) -> Ratio:
    """The figure of the completes chart ÷ a view with the same reads by a raw cursor, as JSON."""
    ours = msgspec.json.decode(site.get("/groups/1/chart.json")[2])
    raw = msgspec.json.decode(site.get("/raw/")[2])
    assert len(raw["y"]) == 24 * 14
    assert len(ours["data"][0]["y"]) - len(raw["y"]) in (0, 1), len(ours["data"][0]["y"])  # from 0
    return ratio(lambda: site.get("/groups/1/chart.json"), lambda: site.get("/raw/"), times=10)


def refresh(site: Site) -> Ratio:
    """The conditional refresh that answers 304 ÷ an empty view of the same signed-in person."""
    etag = site.get("/projects/1/?rows=200")[1]["ETag"]

    def ours() -> int:
        return site.get("/projects/1/?rows=200", hx_request="true", if_none_match=etag)[0]

    assert ours() == 304
    assert site.get("/ping/")[0] == 204
    return ratio(ours, lambda: site.get("/ping/"), times=20)


if __name__ == "__main__":
    main()
