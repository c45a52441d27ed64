"""What nobody typed in stays as it is on the exchange, to the letter, whatever form is sent."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.core.cache import cache
from django.test import Client
from django.utils import timezone
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from dashboard.fielding.models import Edit, TargetGroup
from tests import factories
from tests.fakes.browser_form import untouched
from tests.fakes.canned_exchange import serving
from tests.fakes.whole_exchange import WholeExchange, kept

pytestmark = pytest.mark.django_db
Json = dict[str, Any]
MANAGER, OTHER = (f"b551326b-ac9d-4d32-8823-4f025787da{n:02d}" for n in (11, 12))
IN_A_YEAR = (timezone.now() + timedelta(days=365)).replace(minute=0, second=0, microsecond=0)
LATER = IN_A_YEAR + timedelta(days=9)
# Without shrinking, which takes longer than a test may: a failure says what differs.
EXAMPLES = settings(
    max_examples=25,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


@pytest.fixture
def exchange(settings: Any) -> Iterator[WholeExchange]:
    settings.EXCHANGE_ALLOWED_HOSTS = ["127.0.0.1:*"]
    cache.clear()
    with serving(WholeExchange()) as server:
        yield server
        assert server.wrong == []


@pytest.fixture
def group(exchange: WholeExchange) -> TargetGroup:
    account = factories.account(base_url=exchange.url, requests_per_minute=0)
    factories.exchange_user(account, exchange_id=OTHER, name="Otto")
    return factories.group(factories.project(account))


@pytest.fixture
def editor(group: TargetGroup, client: Client) -> Client:
    client.force_login(factories.person("editor", group.account))
    return client


# Members that no shape of ours knows.
unknown = st.recursive(
    st.booleans() | st.integers(-1000, 1000) | st.sampled_from(["", "x", "P2W", "2.50", "é"]),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.sampled_from("ab"), inner, max_size=2)
    ),
    max_leaves=4,
)
more = st.dictionaries(st.sampled_from(["x_new", "y_new"]), unknown, max_size=2)
code = st.sampled_from(["adhoc", "other", "a_code_that_we_do_not_know"])
number = st.sampled_from(["11", "12", "21", "22"])
moments = st.sampled_from(
    ["{:%Y-%m-%dT%H:%M:%S.000Z}", "{:%Y-%m-%dT%H:%M:%SZ}", "{:%Y-%m-%dT%H:%M:%S.123456+00:00}"]
)


def sometimes(**members: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    """Objects with some of these members."""
    return st.fixed_dictionaries({}, optional=members)


def amounts(currency: str = "USD") -> st.SearchStrategy[Json]:
    value = st.sampled_from(["2.50", "2.5", "11.000", "3", "2.7352", "4.25000"])
    return value.map(lambda text: {"value": text, "currency_code": currency})


conditions = st.one_of(
    st.sampled_from("1234").map(
        lambda option: {"object": "selection", "question_id": 43, "option": option}
    ),
    st.integers(18, 60).map(
        lambda low: {"object": "range", "question_id": 42, "min": low, "max": low + 5}
    ),
    st.sampled_from([["10115"], ["10115", "20095", "80331"]]).map(
        lambda values: {
            "object": "open_ended",
            "question_id": 45,
            "allow_all_values": False,
            "open_ended_values": values,
        }
    ),
)


@st.composite
def profiles(draw: st.DrawFn, kind: str) -> Json:
    goal = {"percentage": "completes_goal_percentage", "nominal": "completes_goal"}[kind]
    quotas = draw(st.booleans())
    answers = draw(st.lists(conditions, min_size=1, max_size=3, unique_by=repr))
    answers = [one for one in answers if one["object"] == answers[0]["object"]]
    if answers[0]["object"] == "range":
        answers = answers[:1]
    targets = []
    for condition in answers:
        target = {"conditions": [condition | draw(more)]} | draw(more)
        if quotas:
            named = draw(sometimes(name=st.sampled_from(["Men", "Women <b>"])))
            target["quota"] = {goal: draw(st.integers(0, 90))} | named | draw(more)
        else:
            target["object"] = "nominal"
        targets.append(target)
    base = {"object": "regular", "quotas_enabled": quotas, "targets": targets}
    return base | draw(sometimes(name=st.sampled_from(["Age", "Sex"]))) | draw(more)


sides = st.fixed_dictionaries(
    {
        "allow_for_current_target_group": st.booleans(),
        "allow_for_other_target_groups": st.booleans(),
    }
)


@st.composite
def re_entries(draw: st.DrawFn) -> Json:
    names = {
        "completes": ["client_side"],
        "pre_client_survey_processes": ["screener_side"],
        "financial_terms": ["screener_side"],
    }
    for status in ("terminates", "security_failures", "overquota", "in_screener"):
        names[status] = ["client_side", "screener_side"]
    value = {
        status: {side: draw(sides) | draw(more) for side in of} | draw(more)
        for status, of in names.items()
    }
    return value | draw(more)


def shares(kind: str) -> st.SearchStrategy[Json]:
    who: dict[str, st.SearchStrategy[Any]]
    who = {"suppliers": st.lists(number, max_size=2)} if kind == "open" else {"supplier_id": number}
    group = st.fixed_dictionaries(
        {
            "group_name": st.just("Fast ones"),
            "min_percentage": st.just(0),
            "max_percentage": st.integers(1, 99),
            **who,
        },
        optional={"group_id": st.just("G1"), "x_new": unknown},
    )
    base: dict[str, Any] = {
        "blocked_supplier_ids": st.lists(number, max_size=3, unique=True),
        "groups": st.lists(group, max_size=2),
    }
    if kind == "open":
        base |= {
            "exchange_min_percentage": st.integers(0, 20),
            "exchange_max_percentage": st.integers(30, 100),
        }
    return st.fixed_dictionaries(base, optional={"x_new": unknown})


@st.composite
def assistants(draw: st.DrawFn) -> Json:
    pricing = draw(
        st.one_of(
            st.none(),
            amounts().map(
                lambda money: {"type": "dynamic", "maximum_cpi": money | {"currency_scale": 2}}
            ),
        )
    )
    step = st.sampled_from(["P1DT12H", "PT36H", "P2W", "P1M"])
    pacing = draw(
        st.one_of(st.none(), step.map(lambda text: {"type": "linear", "increment_interval": text}))
    )
    soft = {
        "end_at": draw(moments).format(IN_A_YEAR),
        "filling_goal_percentage": draw(st.integers(1, 100)),
        "demographics_strictness_percentage": draw(st.integers(0, 100)),
    }
    quotas = {"prevent_overfill": draw(st.booleans()), "balance_fill": True}
    modules = {
        "pricing": pricing,
        "pacing": pacing,
        "soft_launch": draw(st.one_of(st.none(), st.just(soft))),
        "quota_overlay": draw(st.one_of(st.none(), st.just(quotas))),
    }
    value = {name: module | draw(more) for name, module in modules.items() if module}
    return value | draw(more)


@st.composite
def drafts(draw: st.DrawFn) -> Json:
    """A draft as a request has it, with members that nobody knows in every place."""
    written = draw(moments)
    value: Json = {
        "name": draw(st.sampled_from(["Germany adults", "Große Studie <1>", "spaced  out"])),
        "business_unit_id": draw(st.sampled_from(["7", "99"])),
        "locale": draw(st.sampled_from(["ger_de", "eng_us"])),
        "collects_pii": draw(st.booleans()),
        "project_manager_id": draw(st.sampled_from([MANAGER, OTHER, MANAGER.upper()])),
        "fielding_specification": {
            "start_at": written.format(IN_A_YEAR),
            "end_at": written.format(LATER),
        }
        | draw(more),
        "completes_goal": draw(st.integers(100, 900)),
        "expected_length_of_interview_minutes": draw(st.integers(1, 43)),
        "expected_incidence_rate": draw(st.integers(1, 36)) / 100,
        "allocations": {
            "open_exchange_allocations": draw(shares("open")),
            "private_exchange_allocations": draw(shares("private")),
        }
        | draw(more),
        "fielding_assistant_assignment": draw(assistants()),
        "cost_per_interview": draw(amounts()) | draw(more),
    }
    listed = [{"entity_type": "RID", "entity_ids": ["r2", "r1"]}, {"entity_type": "CID"}]
    exclusions = st.fixed_dictionaries(
        {
            "type": st.sampled_from(["target-group", "project"]),
            "id": st.sampled_from([factories.ulid(n) for n in range(900, 904)]),
        },
        optional={"duration": st.sampled_from(["P2W", "P3M", "P90D"]), "x_new": unknown},
    )
    kind = draw(st.sampled_from(["percentage", "nominal"]))
    asked = st.lists(profiles(kind), min_size=1, max_size=2, unique_by=_question).map(
        lambda found: {"profile_adjustment_type": kind, "profiles": found}
    )
    optional = sometimes(
        exclusion=st.fixed_dictionaries(
            {"enabled": st.booleans()}, optional={"list": st.just(listed), "x_new": unknown}
        ),
        respondent_activity_exclusions=st.lists(
            exclusions, max_size=3, unique_by=lambda one: one["id"]
        ),
        study_type_code=code,
        industry_code=code,
        industry_lockout_code=code,
        client_id=st.integers(1, 9999),
        live_url=st.sampled_from(["https://example.com/a?rid=[%RID%]", "https://EXAMPLE.com"]),
        test_url=st.just("https://example.com/test"),
        target_group_customer_reference_number=st.just("REF 1"),
        client_cost_per_interview_note=amounts(),
        re_entry_configuration=re_entries(),
        profiling=asked,
        x_new=unknown,
        y_new=unknown,
    )
    return value | draw(optional)


def _question(profile: Json) -> str:
    return str(profile["targets"][0]["conditions"][0]["question_id"])


def differences(one: Any, other: Any, at: str = "") -> list[str]:
    """The places at which two values differ in any way."""
    if isinstance(one, dict) and isinstance(other, dict):
        return [
            place
            for name in {**one, **other}
            for place in differences(one.get(name), other.get(name), f"{at}.{name}")
        ]
    if isinstance(one, list) and isinstance(other, list) and len(one) == len(other):
        return [
            place
            for number, pair in enumerate(zip(one, other, strict=True))
            for place in differences(*pair, f"{at}[{number}]")
        ]
    alike = type(one) is type(other) and one == other
    return [] if alike or (one == other and not isinstance(one, bool)) else [at]


# A field of the form, what is typed there, and the one place that may differ afterwards.
TYPED = {
    "name": ("Typed by hand", ".name"),
    "completes_goal": ("1000", ".completes_goal"),
    "expected_length_of_interview_minutes": ("44", ".expected_length_of_interview_minutes"),
    "expected_incidence_rate": ("37", ".expected_incidence_rate"),
    "cost_per_interview": ("7.77", ".cost_per_interview.value"),
    "client_cost_per_interview_note": ("8.88", ".client_cost_per_interview_note"),
    "live_url": ("https://example.org/new", ".live_url"),
    "target_group_customer_reference_number": ("PO 77", ".target_group_customer_reference_number"),
    "project_manager_id": (OTHER, ".project_manager_id"),
    "study_type_code": ("tracking", ".study_type_code"),
    "client_id": ("12345", ".client_id"),
    "collects_pii": ("", ".collects_pii"),
    "exclusion": ("", ".exclusion"),
}


def ticked(form: dict[str, str], name: str) -> dict[str, str]:
    """The form with one box turned."""
    rest = {field: text for field, text in form.items() if field != name}
    return rest if name in form else rest | {name: "on"}


@EXAMPLES
@given(body=drafts(), name=st.sampled_from(sorted(TYPED)))
def test_one_field_of_a_draft_is_changed_and_nothing_else_differs(
    body: Json, name: str, exchange: WholeExchange, group: TargetGroup, editor: Client
) -> None:
    TargetGroup.objects.filter(pk=group.pk).update(status="draft")
    Edit.objects.all().delete()
    exchange.keep("draft", body)
    before = exchange.held["draft"]
    address = f"/groups/{group.pk}/draft/"
    form = untouched(editor.get(address).content.decode())
    text, place = TYPED[name]
    form = form | {name: text} if text else ticked(form, name)
    answer = editor.post(address, form)
    assert answer.status_code == 302, answer.content.decode()
    found = differences(before, exchange.held["draft"])
    derived = {one for one in found if one.endswith((".quota_nominal", ".quota.completes_goal"))}
    changed = [one for one in found if one not in derived or name != "completes_goal"]
    if name == "project_manager_id" and body[name].lower() == text:
        assert not found
    else:
        assert changed
        assert all(one.startswith(place) for one in changed), (changed, exchange.puts)
        assert Edit.objects.get().state == "confirmed"


@EXAMPLES
@given(body=drafts())
def test_a_draft_that_nobody_changed_is_not_sent_and_says_so(
    body: Json, exchange: WholeExchange, group: TargetGroup, editor: Client
) -> None:
    TargetGroup.objects.filter(pk=group.pk).update(status="draft")
    exchange.keep("draft", body)
    exchange.puts.clear()
    address = f"/groups/{group.pk}/draft/"
    form = untouched(editor.get(address).content.decode())
    page = editor.post(address, form, follow=True).content.decode()
    assert "Nothing was changed." in page
    assert exchange.puts == []
    assert not Edit.objects.exists()


@st.composite
def details(draw: st.DrawFn) -> Json:
    """The details of a launched group as a request has them, with members that nobody knows."""
    value: Json = {
        "name": draw(st.sampled_from(["Germany adults", "Große Studie <1>"])),
        "project_manager_id": draw(st.sampled_from([MANAGER, MANAGER.upper()])),
        "expected_length_of_interview_minutes": draw(st.integers(1, 43)),
        "expected_incidence_rate": draw(st.integers(1, 36)) / 100,
        "industry_lockout_code": draw(code),
        "live_url": draw(st.sampled_from(["https://example.com/a?rid=[%RID%]", "https://X.com"])),
        "test_url": "https://example.com/test",
    }
    optional = sometimes(
        target_group_customer_reference_number=st.just("REF 1"),
        client_cost_per_interview_note=amounts(),
        x_new=unknown,
        y_new=unknown,
    )
    return value | draw(optional)


@st.composite
def runs(draw: st.DrawFn) -> Json:
    """A run that is planned, its dates written in one of several ways."""
    return {
        "start_fielding_at": draw(moments).format(IN_A_YEAR),
        "end_fielding_at": draw(moments).format(LATER),
    } | draw(more)


def send(editor: Client, group: TargetGroup, kind: str, **typed: str) -> Any:
    """One form of a launched group, with these fields typed."""
    address = f"/groups/{group.pk}/edit/{kind}/"
    form = untouched(editor.get(address).content.decode())
    return editor.post(address, form | typed)


DETAILS = ["name", "expected_length_of_interview_minutes", "expected_incidence_rate", "live_url"]
DETAILS += ["project_manager_id", "client_cost_per_interview_note"]
DETAILS += ["target_group_customer_reference_number"]


@EXAMPLES
@given(body=details(), name=st.sampled_from(DETAILS))
def test_one_detail_of_a_launched_group_is_changed_and_nothing_else_differs(
    body: Json, name: str, exchange: WholeExchange, group: TargetGroup, editor: Client
) -> None:
    Edit.objects.all().delete()
    exchange.keep("details", body)
    before = exchange.held["details"]
    text, place = TYPED[name]
    answer = send(editor, group, "details", **{name: text})
    assert answer.status_code == 302, answer.content.decode()
    found = differences(before, exchange.held["details"])
    assert found
    assert all(one.startswith(place) for one in found), (found, exchange.puts)
    assert Edit.objects.get().state == "confirmed"


@EXAMPLES
@given(body=assistants(), text=st.sampled_from(["", "soft_launch", "pricing"]))
def test_one_setting_of_the_assistant_is_changed_and_nothing_else_differs(
    body: Json, text: str, exchange: WholeExchange, group: TargetGroup, editor: Client
) -> None:
    Edit.objects.all().delete()
    TargetGroup.objects.filter(pk=group.pk).update(ends_at=LATER)
    exchange.keep("assistant", body)
    before = copy.deepcopy(exchange.held["assistant"])
    typed, place = {"quota_overlay.prevent_overfill": "on"}, ".quota_overlay"
    if text == "soft_launch" and text in body:
        share = str(body[text]["filling_goal_percentage"] % 100 + 1)
        typed = {f"{text}.filling_goal_percentage": share}
        place = f".{text}.filling_goal_percentage"
    elif text == "pricing" and text in body:
        typed = {"pricing.minimum_cpi": "1.01"}
        place = ".pricing.minimum_cpi"
    elif (body.get("quota_overlay") or {}).get("prevent_overfill"):
        typed, place = {"pacing": "adaptive"}, ".pacing"
        typed |= {} if step_is_shown(body) else {"pacing.increment_interval": "3"}
    answer = send(editor, group, "assistant", **typed)
    assert answer.status_code == 302, answer.content.decode()
    found = differences(before, exchange.held["assistant"])
    assert found
    assert all(one.startswith(place) for one in found), (found, exchange.puts)
    assert Edit.objects.get().state == "confirmed"


def step_is_shown(body: Json) -> bool:
    """Whether the form can show the step of the pacing as a number."""
    return body.get("pacing", {}).get("increment_interval") in ("P1DT12H", "PT36H")


@EXAMPLES
@given(body=re_entries())
def test_one_cell_of_re_entry_is_changed_and_nothing_else_differs(
    body: Json, exchange: WholeExchange, group: TargetGroup, editor: Client
) -> None:
    Edit.objects.all().delete()
    exchange.keep("re_entry", body)
    before = copy.deepcopy(exchange.held["re_entry"])
    address = f"/groups/{group.pk}/edit/re_entry/"
    form = untouched(editor.get(address).content.decode())
    cell = "overquota.client_side.allow_for_other_target_groups"
    assert editor.post(address, ticked(form, cell)).status_code == 302
    assert differences(before, exchange.held["re_entry"]) == [f".{cell}"]
    assert Edit.objects.get().state == "confirmed"


@EXAMPLES
@given(body=runs())
def test_one_end_of_the_fielding_is_moved_and_nothing_else_differs(
    body: Json, exchange: WholeExchange, group: TargetGroup, editor: Client
) -> None:
    Edit.objects.all().delete()
    exchange.keep("run", body)
    before = copy.deepcopy(exchange.held["run"])
    end = f"{LATER + timedelta(days=1):%Y-%m-%dT%H:00}"
    assert send(editor, group, "dates", end_fielding_at=end).status_code == 302
    assert differences(before, exchange.held["run"]) == [".end_fielding_at"]
    assert Edit.objects.get().state == "confirmed"


def written(moment: datetime) -> str:
    """A moment as this exchange writes it."""
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


# Of each form that sends whole objects: what one person types, what another one changes there
# meanwhile, and what both change, each in another way.
CELL = {"allow_for_current_target_group": True, "allow_for_other_target_groups": True}
FORMS: dict[str, Any] = {
    "details": (
        {"name": "Typed by hand"},
        lambda held: held | {"live_url": "https://example.com/theirs", "x_new": "theirs"},
        lambda held: held | {"name": "Theirs it is"},
        "Name",
    ),
    "assistant": (
        {"soft_launch.filling_goal_percentage": "44"},
        lambda held: held | {"pacing": {"type": "linear", "increment_interval": "P1D"}, "x_new": 1},
        lambda held: held | {"soft_launch": held["soft_launch"] | {"filling_goal_percentage": 66}},
        "Soft launch: part of the goal",
    ),
    "re_entry": (
        {"completes.client_side.allow_for_other_target_groups": "on"},
        lambda held: held | {"overquota": {"client_side": CELL, "screener_side": CELL}},
        None,  # a cell has two values: who both turn it want the same
        "",
    ),
    "dates": (
        {"end_fielding_at": f"{LATER + timedelta(days=1):%Y-%m-%dT%H:00}"},
        lambda held: held | {"start_fielding_at": written(IN_A_YEAR - timedelta(days=2))},
        lambda held: held | {"end_fielding_at": written(LATER + timedelta(days=5))},
        "End",
    ),
}
OFF = dict.fromkeys(CELL, False)
HELD: dict[str, Json] = {
    "details": {
        "name": "Germany adults",
        "project_manager_id": MANAGER,
        "expected_length_of_interview_minutes": 9,
        "expected_incidence_rate": 0.35,
        "industry_lockout_code": "other",
        "live_url": "https://example.com/live",
        "test_url": "https://example.com/test",
        "x_new": "as it was",
    },
    "assistant": {
        "soft_launch": {
            "end_at": f"{IN_A_YEAR:%Y-%m-%dT%H:%M:%SZ}",
            "filling_goal_percentage": 10,
            "demographics_strictness_percentage": 50,
        },
        "y_new": {"a": 1},
    },
    "re_entry": {
        "completes": {"client_side": OFF},
        "pre_client_survey_processes": {"screener_side": OFF},
        "financial_terms": {"screener_side": OFF},
        "terminates": {"client_side": OFF, "screener_side": OFF},
        "security_failures": {"client_side": OFF, "screener_side": OFF},
        "overquota": {"client_side": OFF, "screener_side": OFF},
        "in_screener": {"client_side": OFF, "screener_side": OFF},
    },
    "dates": {
        "start_fielding_at": f"{IN_A_YEAR:%Y-%m-%dT%H:%M:%SZ}",
        "end_fielding_at": f"{LATER:%Y-%m-%dT%H:%M:%SZ}",
    },
}
NAMES = {kind: "run" if kind == "dates" else kind for kind in FORMS}


def opened_form(exchange: WholeExchange, group: TargetGroup, editor: Client, kind: str) -> Any:
    """The address of a form of what is held, and what it sends where nobody touches it."""
    TargetGroup.objects.filter(pk=group.pk).update(ends_at=LATER)
    exchange.keep(NAMES[kind], HELD[kind])
    address = f"/groups/{group.pk}/edit/{kind}/"
    return address, untouched(editor.get(address).content.decode())


@pytest.mark.parametrize("kind", FORMS)
def test_two_people_who_change_different_fields_are_asked_nothing(
    kind: str, exchange: WholeExchange, group: TargetGroup, editor: Client
) -> None:
    typed, elsewhere, _, _ = FORMS[kind]
    address, form = opened_form(exchange, group, editor, kind)
    mine = dict(form | typed)
    exchange.held[NAMES[kind]] = elsewhere(exchange.held[NAMES[kind]])
    theirs = copy.deepcopy(exchange.held[NAMES[kind]])
    assert editor.post(address, mine).status_code == 302
    after = exchange.held[NAMES[kind]]
    assert len(differences(theirs, after)) == 1
    made = Edit.objects.get()
    assert made.state == "confirmed"
    page = editor.get(f"/edits/{made.pk}/").content.decode()
    assert page.count('<td class="full soft">') == 1  # the table names what this person changed


@pytest.mark.parametrize("kind", [kind for kind, (*_, both, _word) in FORMS.items() if both])
def test_what_two_people_changed_is_asked_and_the_rest_is_taken_from_each(
    kind: str, exchange: WholeExchange, group: TargetGroup, editor: Client
) -> None:
    typed, elsewhere, both, word = FORMS[kind]
    address, form = opened_form(exchange, group, editor, kind)
    exchange.held[NAMES[kind]] = both(elsewhere(exchange.held[NAMES[kind]]))
    theirs = copy.deepcopy(exchange.held[NAMES[kind]])
    page = editor.post(address, form | typed).content.decode()
    assert "Someone else changed this" in page
    assert page.count('<td class="full soft">') == 1
    assert f'<td class="full soft">{word}</td>' in page
    assert exchange.puts == []
    again = untouched(page)
    assert {name: again[name] for name in typed} == typed  # nothing typed is lost
    assert editor.post(address, again).status_code == 302
    assert len(differences(theirs, exchange.held[NAMES[kind]])) == 1
    assert Edit.objects.latest("pk").state == "confirmed"


@pytest.mark.parametrize("kind", ["assistant", "dates"])
def test_who_is_faster_between_reading_and_sending_keeps_the_fields_of_his_own(
    kind: str, exchange: WholeExchange, group: TargetGroup, editor: Client
) -> None:
    typed, elsewhere, _, _ = FORMS[kind]
    address, form = opened_form(exchange, group, editor, kind)
    name = NAMES[kind]

    def faster() -> bool:
        exchange.held[name] = elsewhere(exchange.held[name])
        return True

    exchange.overtaken.append(faster)
    assert editor.post(address, form | typed).status_code == 302
    expected = elsewhere(kept(name, HELD[kind]))
    assert len(differences(expected, exchange.held[name])) == 1
    assert [len(exchange.puts), Edit.objects.get().state] == [1, "confirmed"]


@pytest.mark.parametrize("kind", FORMS)
def test_a_late_reading_before_sending_takes_back_nobody_elses_change(
    kind: str, exchange: WholeExchange, group: TargetGroup, editor: Client
) -> None:
    typed, *_ = FORMS[kind]
    name = NAMES[kind]
    address, form = opened_form(exchange, group, editor, kind)
    assert editor.post(address, form | typed).status_code == 302
    late, mine = kept(name, HELD[kind]), copy.deepcopy(exchange.held[name])
    form = untouched(editor.get(address).content.decode())
    cells = {"re_entry": "overquota.client_side.allow_for_other_target_groups"}
    more = {
        "details": {"test_url": "https://example.org/new"},
        "assistant": {"soft_launch.demographics_strictness_percentage": "77"},
        "re_entry": {cells.get(kind, ""): "on"},
        "dates": {"start_fielding_at": f"{IN_A_YEAR - timedelta(days=1):%Y-%m-%dT%H:00}"},
    }[kind]
    exchange.late[name] = [late]
    assert editor.post(address, form | more).status_code == 302
    assert len(differences(mine, exchange.held[name])) == 1


def a_draft(exchange: WholeExchange, group: TargetGroup, **more: Any) -> str:
    """A draft of which we know neither unit nor people nor groups; the address of its form."""
    TargetGroup.objects.filter(pk=group.pk).update(status="draft")
    body = {
        "name": "Germany adults",
        "business_unit_id": "99",
        "locale": "ger_de",
        "collects_pii": False,
        "project_manager_id": MANAGER,
        "fielding_specification": {"start_at": written(IN_A_YEAR), "end_at": written(LATER)},
        "completes_goal": 120,
        "expected_length_of_interview_minutes": 9,
        "expected_incidence_rate": 0.35,
        "allocations": {
            "open_exchange_allocations": {
                "blocked_supplier_ids": [],
                "exchange_min_percentage": 0,
                "exchange_max_percentage": 100,
                "groups": [],
            },
            "private_exchange_allocations": {"blocked_supplier_ids": [], "groups": []},
        },
        "fielding_assistant_assignment": {},
        "cost_per_interview": {"value": "250.00000", "currency_code": "USD"},
        "industry_lockout_code": "beverages",
    }
    exchange.keep("draft", body | more)
    return f"/groups/{group.pk}/draft/"


def test_ids_that_we_do_not_know_are_shown_as_unknown_and_block_nothing(
    exchange: WholeExchange, group: TargetGroup, editor: Client
) -> None:
    address = a_draft(exchange, group)
    page = editor.get(address).content.decode()
    assert ">unknown (99)</option>" in page
    assert f">unknown ({MANAGER})</option>" in page
    form = untouched(page) | {"name": "Typed by hand"}
    assert editor.post(address, form).status_code == 302
    exchange.keep("details", HELD["details"])
    TargetGroup.objects.filter(pk=group.pk).update(status="live")
    page = editor.get(f"/groups/{group.pk}/edit/details/").content.decode()
    assert f">unknown ({MANAGER})</option>" in page
    assert ">unknown (other)</option>" in page


def test_lines_of_exclusions_that_nobody_typed_stay_beside_one_that_is_typed(
    exchange: WholeExchange, group: TargetGroup, editor: Client
) -> None:
    unknown_one, moved, gone = (
        {"type": "project", "id": factories.ulid(900 + n), "duration": duration, "x_new": n}
        for n, duration in enumerate(["P3M", "P2W", "P5D"])
    )
    exclusions = [unknown_one, moved, gone]
    address = a_draft(exchange, group, respondent_activity_exclusions=exclusions)
    form = untouched(editor.get(address).content.decode())
    lines = form["respondent_activity_exclusions"].split("\r\n")
    assert lines == [
        f"{factories.ulid(900)} 90",
        f"{factories.ulid(901)} 14",
        f"{factories.ulid(902)} 5",
    ]
    other = factories.group(group.project)
    typed = [lines[0], f"{factories.ulid(901)} 21", f"{other.human_readable_id} 30"]
    form["respondent_activity_exclusions"] = "\r\n".join(typed)
    assert editor.post(address, form).status_code == 302
    assert exchange.held["draft"]["respondent_activity_exclusions"] == [
        unknown_one,
        moved | {"duration": "P21D"},
        {"type": "target-group", "id": other.exchange_id, "duration": "P30D"},
    ]


def test_a_price_above_our_limit_that_nobody_typed_does_not_block_saving(
    exchange: WholeExchange, group: TargetGroup, editor: Client
) -> None:
    address = a_draft(exchange, group)
    form = untouched(editor.get(address).content.decode())
    assert editor.post(address, form | {"completes_goal": "130"}).status_code == 302
    assert exchange.held["draft"]["cost_per_interview"]["value"] == "250.00000"


def test_a_change_that_the_exchange_took_with_a_loss_elsewhere_is_not_called_confirmed(
    exchange: WholeExchange, group: TargetGroup, editor: Client
) -> None:
    address = a_draft(
        exchange, group, exclusion={"enabled": True, "list": [{"entity_type": "RID"}]}
    )
    form = untouched(editor.get(address).content.decode())
    keep = exchange.keep

    def lose(name: str, body: Json) -> None:
        keep(name, body | {"exclusion": {"enabled": True}})

    exchange.keep = lose  # type: ignore[method-assign]
    editor.post(address, form | {"completes_goal": "130"})
    assert Edit.objects.get().state == "unknown"  # it may be late, and is read again
