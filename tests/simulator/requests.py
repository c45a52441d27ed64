"""Bodies of requests that tests send."""

from datetime import UTC, datetime, timedelta
from typing import Any


def a_draft(manager_id: str, **other: Any) -> dict[str, Any]:
    """A draft for 120 completes in Germany over a week."""
    now = datetime.now(UTC)
    form = "%Y-%m-%dT%H:%M:%S.000Z"
    ages = [
        {
            "conditions": [{"object": "range", "question_id": 42, "min": low, "max": high}],
            "quota": {"completes_goal": 60},
        }
        for low, high in ((18, 39), (40, 65))
    ]
    return {
        "name": "DE GenPop 18-65",
        "business_unit_id": "1002",
        "locale": "ger_de",
        "collects_pii": False,
        "project_manager_id": manager_id,
        "fielding_specification": {
            "start_at": (now + timedelta(days=1)).strftime(form),
            "end_at": (now + timedelta(days=8)).strftime(form),
        },
        "completes_goal": 120,
        "expected_length_of_interview_minutes": 12,
        "expected_incidence_rate": 0.6,
        "live_url": "https://surveys.example.com/s/1?RID=[%RID%]",
        "test_url": "https://surveys.example.com/t/1?RID=[%RID%]",
        "fielding_assistant_assignment": {},
        "profiling": {
            "profile_adjustment_type": "nominal",
            "profiles": [
                {"object": "regular", "name": "Age", "quotas_enabled": True, "targets": ages}
            ],
        },
        "allocations": {
            "open_exchange_allocations": {
                "blocked_supplier_ids": ["411"],
                "exchange_min_percentage": 0,
                "exchange_max_percentage": 100,
                "groups": [
                    {
                        "group_name": "Preferred",
                        "min_percentage": 10,
                        "max_percentage": 60,
                        "suppliers": ["418", "420"],
                    }
                ],
            }
        },
        **other,
    }
