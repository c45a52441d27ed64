"""Accounts, people, business units, and the exchange's code lists."""

from collections.abc import Sequence

from dashboard.exchange.decode import Page
from dashboard.exchange.operations.base import OperationsBase, query_string
from dashboard.exchange.shapes.accounts import (
    AccountShape,
    BusinessUnitShape,
    Client,
    Definition,
    ExchangeUserShape,
    LocaleShape,
)
from dashboard.exchange.shapes.profiling import ProfilingQuestion


class AccountOperations(OperationsBase):
    """Reads only."""

    def get_user_accounts(self) -> Page[AccountShape]:
        """The accounts that the credentials give access to."""
        return self._list("get_user_accounts", "/accounts", "accounts", AccountShape)

    def get_account_users(self, *, user_type: str | None = None) -> Page[ExchangeUserShape]:
        """The people of the account; `user_type`: `project_manager` for those only."""
        target = f"{self._account}/users{query_string({'user_type': user_type})}"
        return self._list("get_account_users", target, "users", ExchangeUserShape)

    def get_account_service_clients(
        self, *, user_type: str | None = None
    ) -> Page[ExchangeUserShape]:
        """The service clients of the account, such as Fieldwatch itself."""
        target = f"{self._account}/service-clients{query_string({'user_type': user_type})}"
        return self._list("get_account_service_clients", target, "users", ExchangeUserShape)

    def get_business_units(self) -> Page[BusinessUnitShape]:
        """The business units of the account with currency and pricing models."""
        target = f"{self._account}/business-units"
        return self._list("get_business_units", target, "business_units", BusinessUnitShape)

    def get_clients(self, *, page_size: int = 100, page_number: int = 0) -> Page[Client]:
        """One page of the account's clients, counted from 0; the last page is short or empty."""
        values = query_string({"page_size": page_size, "page_number": page_number})
        return self._list("get_clients", f"{self._account}/clients{values}", "clients", Client)

    def get_industries(self) -> Page[Definition]:
        """Every industry: id, code, name."""
        return self._list("get_industries", "/industries", "industries", Definition)

    def get_industry_lockouts(self) -> Page[Definition]:
        """Every industry lockout: id, code, name."""
        target = "/industry-lockouts"
        return self._list("get_industry_lockouts", target, "industry_lockouts", Definition)

    def get_locales(self) -> Page[LocaleShape]:
        """Every country with its languages."""
        return self._list("get_locales", "/locales", "locales", LocaleShape)

    def get_study_types(self) -> Page[Definition]:
        """Every study type: id, code, name."""
        return self._list("get_study_types", "/study-types", "study_types", Definition)

    def account_questions_translation(
        self, *, locale: str, words: str = "", ids: Sequence[int] = (), page_size: int = 20
    ) -> Page[ProfilingQuestion]:
        """The first questions of the library with these words or ids, custom ones included."""
        values = {
            "locale": locale,
            "query": words or None,
            "id": ",".join(map(str, ids)) or None,
            "allow_custom_quals": "true",
            "page_size": page_size,
        }
        target = f"/demand{self._account}/questions-translation{query_string(values)}"
        return self._list("account_questions_translation", target, "profiles", ProfilingQuestion)
