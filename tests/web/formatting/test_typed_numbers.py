"""Numbers as people type them: read where there is one way to read them, else asked."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest
from django import forms
from django.core.exceptions import ValidationError
from django.http import QueryDict
from hypothesis import given
from hypothesis import strategies as st

from dashboard.alerts.rules.settings import RuleSet
from dashboard.fielding.models import TargetGroup
from dashboard.web.alerts.rule_forms import RuleForm
from dashboard.web.connections.form import ConnectionForm
from dashboard.web.edits.forms import FORMS
from dashboard.web.edits.forms.base import BoundForm, FormError, Value, is_again, parse_amount
from dashboard.web.formatting.typed_numbers import (
    TypedFloatField,
    TypedIntegerField,
    ask_which,
    means_currency,
    possible_numbers,
    read_whole_number,
    split_units,
    typed_number,
)
from tests.factories import NOW
from tests.fakes.edit_gateway import ASSISTANT, DETAILS, GOALS

TEMPLATES = Path(__file__).resolve().parents[3] / "templates"
SPELLINGS = {  # of a decimal number, and of its thousands
    "12.50": ["12.50"],
    "12,50": ["12.50"],
    "1 234,5": ["1234.5"],
    "1\u00a0234,5": ["1234.5"],
    "1\u202f234,50": ["1234.50"],
    "1’234.50": ["1234.50"],
    "1'234": ["1234"],
    "1.234.567,89": ["1234567.89"],
    "1,234.567": ["1234.567"],
    "1,23,456.70": ["123456.70"],
    "1234.567": ["1234.567"],
    "12.500": ["12500", "12.500"],
    "12,500": ["12500", "12.500"],
    "0.500": ["0.500"],
    ",5": ["0.5"],
    "−5": ["-5"],
    "2 70": [],
    "1,234,56": [],
    "1.2.3": [],
    "12 34,5": [],
    "0 500": [],
    "12.": [],
    "": [],
    "1e5": [],
    "２": [],
    "½": [],
}


def test_a_number_is_read_in_every_spelling_that_means_it() -> None:
    read = {text: [str(number) for number in possible_numbers(text)] for text in SPELLINGS}
    assert read == SPELLINGS


@given(
    st.decimals(min_value=0, max_value=10**8, places=4),
    st.integers(0, 4),
    st.sampled_from(["", " ", "\u00a0", ".", ",", "’"]),
    st.sampled_from([".", ","]),
    st.sampled_from(["{}", "€ {}", "{} EUR", "eur {}", "{}\u00a0€"]),
)
def test_what_is_written_is_among_what_is_read_and_nothing_else_unless_asked(
    number: Decimal, places: int, thousands: str, point: str, unit: str
) -> None:
    rounded = round(number, places)
    if thousands == point:
        return
    whole, _, decimals = f"{rounded:,f}".partition(".")
    text = whole.replace(",", thousands) + (point + decimals if decimals else "")
    amount = split_units(unit.format(text))
    readings = possible_numbers(amount.number)
    assert rounded in readings
    assert all(means_currency(each, "EUR") for each in amount.units)
    assert len(readings) == 1 or readings[0] == readings[1] * 1000
    exact = typed_number(rounded)
    assert possible_numbers(exact) == [rounded]
    assert not decimals or read_whole_number(exact) in (None, rounded)


def test_a_question_names_both_numbers_as_they_can_be_typed() -> None:
    assert ask_which(possible_numbers("12.500")) == (
        "Do you mean 12.50 or 12,500? Enter 12.50 or 12500."
    )
    assert ask_which(possible_numbers("2,735")) == (
        "Do you mean 2.7350 or 2,735? Enter 2.7350 or 2735."
    )
    with pytest.raises(FormError, match=r"Do you mean 12\.50 or 12,500"):
        parse_amount("12.500 EUR", "EUR", "budget", "budget")


def test_a_limit_settles_what_could_be_read_in_two_ways() -> None:
    assert parse_amount("12.500", "USD", "cpi", "CPI", most=Decimal(105)) == Decimal("12.5")
    assert is_again("12,5", Decimal("12.50"), "USD")
    assert is_again("$ 2,735", Decimal("2.7350"), "USD")
    assert not is_again("€ 12,5", Decimal("12.50"), "USD")


def clean(form: str, seen: Value, group: TargetGroup, typed: dict[str, str]) -> Value:
    query = QueryDict(mutable=True)
    query.update(typed)
    return FORMS[form].clean(BoundForm(group, seen, query, NOW, {"pm-1": "Anna"}))


def numeric_fields() -> Iterator[tuple[str, Value, str, dict[str, str], str, object]]:
    """Form, its value, the numeric field, other fields, the text, and what it means."""
    cpi = {"value": "2.70", "currency_code": "USD"}
    yield "cpi", cpi, "cpi", {}, "$ 2,80", "2.80"
    yield "cpi", cpi, "cpi_again", {"cpi": "9,50"}, "9.5", "9.50"
    yield "budget", None, "budget", {}, "1 250,50 USD", "1250.50"
    total = {"quotas_anew": "on", "completes_goal_again": "1’200"}
    yield "goals", GOALS, "completes_goal", total, "1.200", 1200
    yield "details", DETAILS, "expected_length_of_interview_minutes", {}, "12,0", 12
    yield "details", DETAILS, "expected_incidence_rate", {}, "45,0 %", 0.45
    yield "details", DETAILS, "client_cost_per_interview_note", {}, "6,25", "6.25"


def found_in(value: Value, wanted: object) -> bool:
    """Whether a value is, or has within it, what was wanted."""
    if isinstance(value, dict):
        return any(found_in(each, wanted) for each in value.values())
    return value == wanted and type(value) is type(wanted)


def test_every_number_of_a_groups_forms_may_be_typed_as_people_do() -> None:
    group = TargetGroup(currency="USD", pricing_model="dynamic")
    for form, seen, field, others, text, wanted in numeric_fields():
        value = clean(form, seen, group, {**others, field: text})
        assert found_in(value, wanted), (form, field, text, value)


def test_the_amounts_of_the_assistant_are_read_like_all_others() -> None:
    group = TargetGroup(currency="USD", pricing_model="dynamic")
    form = FORMS["assistant"]
    seen = {**ASSISTANT, "pricing": None}
    initial = dict(form.initial(seen, BoundForm(group, seen, QueryDict(), NOW)))
    typed = {**initial, "typed": "1", "pricing": "dynamic", "pricing.total_budget": "1.500,5 USD"}
    assert found_in(clean("assistant", seen, group, typed), "1500.5")
    with pytest.raises(FormError) as asked:
        clean("assistant", seen, group, {**typed, "pricing.total_budget": "1.500"})
    assert "Do you mean 1.50 or 1,500?" in asked.value.fields["pricing.total_budget"]


@pytest.mark.django_db
def test_fields_of_djangos_forms_read_numbers_in_the_same_way() -> None:
    rule = RuleSet.of(0).rule_for("drop_off", 0, 0)
    typed = {"fires": "37,5 %", "clears": "0.350", "entrants": "1 234", "for_minutes": "60,0"}
    query = QueryDict(mutable=True)
    query.update(typed | {"keep_minutes": "12,500"})
    form = RuleForm(rule, rule, query)
    assert form.errors["keep_minutes"] == ["Do you mean 12.50 or 12,500? Enter 12.50 or 12500."]
    cleaned = {name: form.cleaned_data[name] for name in typed}
    assert cleaned == {"fires": 37.5, "clears": 0.35, "entrants": 1234, "for_minutes": 60}
    whole = TypedIntegerField(min_value=10, max_value=86_400)
    assert [whole.clean(text) for text in ("1.200", "1,200", " 1 200 ", "90")] == [1200] * 3 + [90]
    for text in ("12,5", "1e3", "abc", "９０"):
        with pytest.raises(ValidationError, match="Enter a whole number"):
            whole.clean(text)
    with pytest.raises(ValidationError, match="Enter a number"):
        TypedFloatField().clean("nan")


def every_form(of: type[forms.Form] = forms.Form) -> Iterator[type[forms.Form]]:
    for form in of.__subclasses__():
        yield form
        yield from every_form(form)


def test_no_field_refuses_a_comma_before_it_is_sent() -> None:
    assert ConnectionForm in set(every_form())
    plain = [
        f"{form.__name__}.{name}"
        for form in every_form()
        if form.__module__.startswith("dashboard.")
        for name, field in form.base_fields.items()
        if isinstance(field.widget, forms.NumberInput)
    ]
    typed = [path.name for path in TEMPLATES.rglob("*.html") if 'type="number"' in path.read_text()]
    assert plain + typed == []
    assert 'inputmode="decimal"' in str(forms.BoundField(forms.Form(), TypedFloatField(), "x"))
    assert 'inputmode="numeric"' in str(forms.BoundField(forms.Form(), TypedIntegerField(), "x"))
