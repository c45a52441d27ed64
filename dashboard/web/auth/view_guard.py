"""The frame of a middleware that may answer in place of a view."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

from django.http import HttpRequest, HttpResponseBase

GuardedView = Callable[..., HttpResponseBase]


class ViewGuard:
    """Middleware that is asked once the view of a request is known; subclasses define `answer`."""

    def __init__(self, get_response: GuardedView) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponseBase:
        """Pass the request on unchanged."""
        return self.get_response(request)

    def process_view(
        self,
        request: HttpRequest,
        view: GuardedView,
        _args: Sequence[object],
        kwargs: Mapping[str, object],
    ) -> HttpResponseBase | None:
        """Return the answer in place of the view; None lets the view answer."""
        return self.answer(request, view, kwargs)

    def answer(
        self, request: HttpRequest, view: GuardedView, kwargs: Mapping[str, object]
    ) -> HttpResponseBase | None:
        """Return a response, or None to let the view answer; `kwargs` are those of the URL."""
        raise NotImplementedError
