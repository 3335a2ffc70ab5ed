"""The rules that a population-relative type keeps when it learns."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from segmentd.plugins.segment_type import Model
from segmentd.times import Micros

if TYPE_CHECKING:
    from segmentd.testing.trial import Trial


def learned(trial: Trial) -> Model | None:
    """The model fitted on the trial's users, read back from JSON as the engine would, once it is sound."""
    _plain(trial, "model_params are plain JSON", trial.segment_type.model_params(trial.params))
    model, again = _fit(trial), _fit(trial)
    if model != again:
        trial.broken("fit learns the same twice", f"{model!r}, then {again!r}")
    if model is None:
        return None
    if not len(trial.cohort.users):
        trial.broken("fit is None where nobody is to learn from", f"it gave {model!r}")
    _sound(trial, model)
    back = Model(json.loads(json.dumps(model.data)), model.size, json.loads(json.dumps(model.summary)))
    _judges_alike(trial, model, back)
    return back


def _fit(trial: Trial) -> Model | None:
    cohort = trial.cohort
    at = Micros(int(cohort.at.max()) if len(cohort.at) else 0)
    users = trial.locked(cohort.dataset.everyone(at))
    model: Model | None = trial.guard("fits without an error", lambda: trial.segment_type.fit(trial.params, users, at))
    return model


def _sound(trial: Trial, model: Model) -> None:
    if not isinstance(model, Model):
        trial.broken("fit returns a Model", f"it returned {type(model).__name__}")
    if type(model.size) is not int or not 0 < model.size <= len(trial.cohort.users):
        trial.broken("a model's size counts users", f"{model.size!r} of {len(trial.cohort.users)}")
    _plain(trial, "a model is plain JSON", model.data)
    _plain(trial, "a model is plain JSON", model.summary)


def _plain(trial: Trial, rule: str, value: object) -> None:
    try:
        same = json.loads(json.dumps(value, allow_nan=False)) == value
    except (TypeError, ValueError) as error:
        trial.broken(rule, f"{value!r}: {error}")
    if not same:
        trial.broken(rule, f"{value!r} changes when it is written as JSON and read back")


def _judges_alike(trial: Trial, model: Model, back: Model) -> None:
    rule, rows, at = "a model read back judges alike", trial.cohort.rows, trial.cohort.at
    first = replace(trial, model=model).verdict(rule, rows, at)
    second = replace(trial, model=back).verdict(rule, rows, at)
    if not (np.array_equal(first.member, second.member) and np.array_equal(first.holds_until, second.holds_until)):
        trial.broken(rule, "the verdicts differ")
