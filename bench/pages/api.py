"""The API's list of 200 groups of 1,000: CPU of an answer, and of a 304 in its place."""

from collections.abc import Iterator

from bench.shared.environment import SQLITE, run, stage
from bench.shared.figure import Figure

WHOLE, SHARE = 120.0, 0.25  # ms of CPU; a 304 of that


def figures() -> Iterator[Figure]:
    """CPU milliseconds of 200 groups as JSON, and what part of it a 304 takes."""
    with stage(SQLITE, API_REQUESTS_PER_MINUTE="100000") as given:
        whole, unchanged, size = run("bench.pages.api:measure", given)
    note = f"{size / 1024:.0f} KB before compression"
    yield Figure("api_200_groups_ms", whole, f"<={WHOLE}", whole <= WHOLE, note)
    part = unchanged / whole
    note = f"{unchanged:.1f} ms of CPU"
    yield Figure("api_304_of_200_groups", part, f"<={SHARE}", part <= SHARE, note)


def measure() -> tuple[float, float, int]:
    """CPU milliseconds of the answer and of a 304, and the bytes of the answer."""
    from datetime import UTC, datetime  # noqa: PLC0415 - after the set-up

    from bench.pages import fixtures  # noqa: PLC0415
    from bench.pages.measured_process import Site, ratio  # noqa: PLC0415
    from dashboard.fielding.models import AccessToken, Membership  # noqa: PLC0415
    from dashboard.web.api.tokens import hash_secret  # noqa: PLC0415

    site = Site(fixtures.fill()[0])
    AccessToken.objects.create(
        user=Membership.objects.all()[0].user,
        purpose=AccessToken.Purpose.API,
        name="bench",
        token_hash=hash_secret("fw_bench"),
        form_token="bench",
        scopes=["fieldwork", "spend"],
        created_at=datetime.now(UTC),
    )
    address, authorized = "/api/v1/groups?limit=200", {"AUTHORIZATION": "Bearer fw_bench"}
    status, headers, body = site.get(address, **authorized)
    assert status == 200, status
    known = authorized | {"IF_NONE_MATCH": headers["ETag"]}
    assert site.get(address, **known)[0] == 304
    taken = ratio(lambda: site.get(address, **authorized), lambda: site.get(address, **known))
    return taken["ours"], taken["reference"], len(body)
