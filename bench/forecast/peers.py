"""Other forecasters of the completes at the end, each answering p10, p50, p90 for a cut field.

AutoETS, MSTL and TSB are those of StatsForecast; the gradient-boosted quantiles those of
LightGBM, taught on the fields of other sources; the enrolment model is that of Anisimov &
Fedorov (Stat. Med. 26, 2007) with days in place of centres. Packages: `requirements/bench.txt`.
"""

import os
import warnings
from collections.abc import Callable, Sequence
from functools import partial
from importlib import import_module
from statistics import NormalDist
from typing import Any  # StatsForecast and LightGBM come without types

import numpy as np

from bench.forecast.fields.chance import Floats
from bench.forecast.fields.generated_fields import Field

LEVELS = (0.1, 0.5, 0.9)
SEASON = 24
FEWEST = 12  # hours that a model of StatsForecast can be fitted on
_Z = NormalDist().inv_cdf(0.9)
TAUGHT_ON = (0.15, 0.2, 0.25, 0.3, 0.35, 0.4, 0.45, 0.5, 0.55, 0.6, 0.65, 0.7)

ROUNDS = 60  # more of them narrow the range below what it holds
BOOSTING = {
    "objective": "quantile",
    "learning_rate": 0.05,
    "num_leaves": 7,
    "min_data_in_leaf": 15,
    "bagging_fraction": 0.8,
    "bagging_freq": 1,
    "feature_fraction": 0.7,
    "seed": 1,
    "num_threads": 1,
    "deterministic": True,
    "verbose": -1,
}

Quantiles = Callable[[Floats, int], Floats]


def hourly_of(field: Field) -> tuple[Floats, int]:
    """Completes of each hour up to now, and the hours to come."""
    hours = round((field.now - field.starts_at).total_seconds() / 3600)
    at, counts = zip(*field.history, strict=True)
    read = [(stamp - field.starts_at).total_seconds() / 3600 for stamp in at]
    total = np.interp(np.arange(hours + 1), [0.0, *read], [0.0, *counts])
    left = round((field.ends_at - field.now).total_seconds() / 3600)
    return np.diff(total), left


def from_statsforecast(
    model: Callable[[int], Any], came: Floats, left: int, *, interval: bool = True
) -> Floats:
    """Completes to come by a model of StatsForecast, negative hours taken as none.

    The widths of its own 80 % intervals of hours are added up as those of independent hours;
    added up as those of hours that move together they are twice as lossy. A model without
    intervals answers one point.
    """
    if came.size < FEWEST:
        return np.repeat(came.mean() * left, 3)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        answer = model(came.size).forecast(y=came, h=left, level=[80] if interval else None)
    mean = np.maximum(answer["mean"], 0.0)
    width = np.sqrt(((answer["hi-80"] - answer["mean"]) ** 2).sum()) if interval else 0.0
    return np.maximum(mean.sum() + width * np.array([-1.0, 0.0, 1.0]), 0.0)


def auto_ets(length: int) -> Any:
    """AutoETS with the season of a day, once there are two days."""
    models = import_module("statsforecast.models")
    return models.AutoETS(season_length=SEASON if length > 2 * SEASON else 1)


def mstl(length: int) -> Any:
    """MSTL with the seasons of a day and, from two weeks on, of a week."""
    models = import_module("statsforecast.models")
    if length <= 2 * SEASON:
        return models.AutoETS(season_length=1)
    seasons = [SEASON, 7 * SEASON] if length > 14 * SEASON else [SEASON]
    return models.MSTL(season_length=seasons)


def tsb(_length: int) -> Any:
    """Teunter, Syntetos & Babai's method for intermittent demand."""
    return import_module("statsforecast.models").TSB(alpha_d=0.1, alpha_p=0.1)


def enrolment(came: Floats, left: int) -> Floats:
    """A gamma rate a day, its mean and variance from the days so far; completes are Poisson."""
    days = max(came.size / 24, 1 / 24)
    whole = came[: came.size // 24 * 24].reshape(-1, 24).sum(axis=1)
    mean = (came.sum() + 0.5) / days
    varies = max(float(whole.var(ddof=1)) - mean, 0.0) if whole.size > 1 else 0.0
    ahead = left / 24
    expected = mean * ahead
    variance = expected + varies * ahead + ahead**2 * (mean + varies) / days
    ninth = variance / (9 * expected**2)
    root = 1 - ninth + np.array([-_Z, 0.0, _Z]) * np.sqrt(ninth)
    return np.asarray(expected * np.maximum(root, 0.0) ** 3)


PEERS: dict[str, Quantiles] = {
    "AutoETS(24)": partial(from_statsforecast, auto_ets),
    "MSTL": partial(from_statsforecast, mstl),
    "TSB": partial(from_statsforecast, tsb, interval=False),
    "Poisson-gamma enrolment": enrolment,
}
SLOW = ("AutoETS(24)", "MSTL")


def forecast_end(peer: Quantiles, field: Field) -> Floats:
    """p10, p50, p90 of the completes at the end."""
    came, left = hourly_of(field)
    return np.asarray(field.history[-1][1] + peer(came, left))


def features_of(field: Field) -> Floats:
    """What gradient-boosted trees see of a cut field. No goal."""
    came, left = hourly_of(field)
    known, total = came.size, came.sum()
    own = (total + 1) / (known + 1)
    recent = [came[-hours:].mean() / own for hours in (12, 24, 48, 96)]
    whole = known // 24 * 24
    days = came[:whole].reshape(-1, 24).sum(axis=1) if whole else np.array([total])
    silent = known - 1 - int(np.flatnonzero(came)[-1]) if total else known
    half = came[: known // 2].sum() / (total + 1)
    return np.array(
        [
            *np.log(np.array([known, left, left / known, total + 1, own])),
            *recent,
            days.std() / (days.mean() + 1),
            days.max() / (days.mean() + 1),
            silent / 24,
            half,
            float((came == 0).mean()),
        ]
    )


def expected_by_line(field: Field) -> float:
    """Completes to come if the field goes on at its mean rate."""
    came, left = hourly_of(field)
    return float((came.sum() + 1) / (came.size + 1) * left)


def boosted_quantiles(taught: Sequence[Field], fields: Sequence[Field]) -> Floats:
    """p10, p50, p90 of completes at the end by LightGBM, taught on other fields: (fields, 3).

    The target is the log of what came over what the mean rate would have brought.
    """
    lightgbm = import_module("lightgbm")
    seen = np.stack([features_of(field) for field in taught])
    came = np.array([field.truth - field.history[-1][1] for field in taught])
    target = np.log((came + 1) / (np.array([expected_by_line(field) for field in taught]) + 1))
    new = np.stack([features_of(field) for field in fields])
    line = np.array([expected_by_line(field) for field in fields])
    now = np.array([field.history[-1][1] for field in fields])
    columns = []
    for level in LEVELS:
        trees = lightgbm.train(
            BOOSTING | {"alpha": level},
            lightgbm.Dataset(seen, target, params={"verbose": -1}),
            num_boost_round=ROUNDS,
        )
        columns.append(now + np.maximum((line + 1) * np.exp(trees.predict(new)) - 1, 0.0))
    return np.sort(np.stack(columns, axis=1), axis=1)


os.environ.setdefault("NIXTLA_ID_AS_COL", "1")  # no warning of a change of columns
