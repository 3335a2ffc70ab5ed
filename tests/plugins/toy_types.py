"""A sound toy type, and toys that each break one rule of the contract."""

from __future__ import annotations

from typing import Any

import numpy as np

from segmentd.api import (
    DAY,
    FOREVER,
    NEVER,
    Fault,
    Instants,
    JudgeOne,
    Kind,
    Kinds,
    Micros,
    Model,
    OneUser,
    OneVerdict,
    Params,
    Population,
    Readers,
    Reads,
    Reason,
    SegmentType,
    Verdict,
)


class QuietParams(Params):
    """Nobody opened the app for so many days."""

    days: int


class Quiet(SegmentType[QuietParams]):
    """Opened the app before, but not within the last `days`. Sound."""

    name = "quiet"
    Params = QuietParams

    def reads(self, params: QuietParams) -> Reads:
        return Reads(attributes=frozenset({"plan"}), events={"Application Opened": frozenset()})

    def check(self, params: QuietParams, kinds: Kinds) -> list[Fault]:
        plan = kinds.attribute("plan")
        return [] if plan in (None, Kind.TEXT) else [Fault(("days",), f"plan is {plan}, not text")]

    def evaluate(self, params: QuietParams, model: Model | None, users: Population, at: Instants) -> Verdict:
        events = users.events("Application Opened")
        opened = np.diff(events.offsets) > 0
        last = np.zeros(len(users), dtype=np.int64)
        last[opened] = events.times[events.offsets[1:][opened] - 1]
        end = last + params.days * DAY
        free = np.asarray(users.category("plan").equals("free"))
        quiet = opened & (end <= at)
        holds = np.where(opened & ~quiet, end, FOREVER)
        return Verdict(quiet & ~free, holds)

    def explain(self, params: QuietParams, model: Model | None, users: Population, at: Instants) -> tuple[Reason, ...]:
        member = bool(self.evaluate(params, model, users, at).member[0])
        return (Reason("Application Opened", "quiet", "", f"{params.days} days", member),)


class QuietAlone(Quiet):
    """Can also judge one user without arrays. Sound."""

    def for_one(self, params: QuietParams, model: Model | None, readers: Readers) -> JudgeOne | None:
        opened, plan = readers.events("Application Opened"), readers.attribute("plan")

        def judge(user: OneUser) -> OneVerdict:
            times = opened(user).times
            end = times[-1] + params.days * DAY if len(times) else FOREVER
            quiet = end <= user.at
            return quiet and plan(user) != "free", FOREVER if quiet else end

        return judge


class OneIsLate(QuietAlone):
    """Says of one user alone that the verdict lasts."""

    def for_one(self, params: QuietParams, model: Model | None, readers: Readers) -> JudgeOne | None:
        judge = super().for_one(params, model, readers)
        return lambda user: (judge(user)[0], FOREVER) if judge is not None else NEVER


class OneInNumpy(QuietAlone):
    """Says of one user alone what is no plain value."""

    def for_one(self, params: QuietParams, model: Model | None, readers: Readers) -> Any:
        judge: Any = super().for_one(params, model, readers)
        return lambda user: (np.bool_(judge(user)[0]), judge(user)[1])


class OneReadsMore(QuietAlone):
    """Reads of one user what was not declared."""

    def for_one(self, params: QuietParams, model: Model | None, readers: Readers) -> JudgeOne | None:
        readers.attribute("email")
        return super().for_one(params, model, readers)


class Shifted(Quiet):
    """The same, with the verdict changed by a subclass."""

    def evaluate(self, params: QuietParams, model: Model | None, users: Population, at: Instants) -> Verdict:
        verdict = super().evaluate(params, model, users, at)
        return self.change(verdict, users, at)

    def change(self, verdict: Verdict, users: Population, at: Instants) -> Verdict:
        raise AssertionError("overridden")


class WrongDtype(Shifted):
    def change(self, verdict: Verdict, users: Population, at: Instants) -> Verdict:
        return Verdict(verdict.member.astype(np.int8), verdict.holds_until)


class WrongShape(Shifted):
    def change(self, verdict: Verdict, users: Population, at: Instants) -> Verdict:
        return Verdict(verdict.member, verdict.holds_until[:1])


class NoVerdict(Shifted):
    def change(self, verdict: Verdict, users: Population, at: Instants) -> Verdict:
        return verdict.member  # type: ignore[return-value]  # the fault


class EndsNow(Shifted):
    def change(self, verdict: Verdict, users: Population, at: Instants) -> Verdict:
        return verdict.until(at)


class FailsOnNobody(Shifted):
    def change(self, verdict: Verdict, users: Population, at: Instants) -> Verdict:
        return verdict.until(np.maximum(verdict.holds_until, at.max()))


class FailsOnMissing(Shifted):
    def change(self, verdict: Verdict, users: Population, at: Instants) -> Verdict:
        texts = [text + "!" for text in users.category("plan").texts()]  # type: ignore[operator]  # the fault
        return Verdict(verdict.member & (len(texts) > 0), verdict.holds_until)


class Warns(Shifted):
    def change(self, verdict: Verdict, users: Population, at: Instants) -> Verdict:
        np.full(1, np.nan).astype(np.int64)
        return verdict


class TooLate(Shifted):
    def change(self, verdict: Verdict, users: Population, at: Instants) -> Verdict:
        ends = verdict.holds_until != FOREVER
        return Verdict(verdict.member, verdict.holds_until + ends)


class LooksAtNeighbours(Shifted):
    def change(self, verdict: Verdict, users: Population, at: Instants) -> Verdict:
        return Verdict(verdict.member | (len(verdict) == 1), verdict.holds_until)


class MindsTheOrder(Shifted):
    def change(self, verdict: Verdict, users: Population, at: Instants) -> Verdict:
        return Verdict(verdict.member ^ (np.arange(len(at)) == 3), verdict.holds_until)


class Forgetful(Shifted):
    def __init__(self) -> None:
        self.calls = 0

    def change(self, verdict: Verdict, users: Population, at: Instants) -> Verdict:
        self.calls += 1
        return Verdict(verdict.member ^ (self.calls % 2 == 0), verdict.holds_until)


class WritesAt(Quiet):
    def evaluate(self, params: QuietParams, model: Model | None, users: Population, at: Instants) -> Verdict:
        verdict = super().evaluate(params, model, users, at)
        at += 1
        return verdict


class WritesColumns(Shifted):
    def change(self, verdict: Verdict, users: Population, at: Instants) -> Verdict:
        base = users.category("plan")._stored.base
        if isinstance(base, np.ndarray):
            base += 1
        return verdict


class ReadsMore(Shifted):
    def change(self, verdict: Verdict, users: Population, at: Instants) -> Verdict:
        users.number("age")
        return verdict


class Silent(Quiet):
    def explain(self, params: QuietParams, model: Model | None, users: Population, at: Instants) -> tuple[Reason, ...]:
        return ()


class Contradicts(Quiet):
    def explain(self, params: QuietParams, model: Model | None, users: Population, at: Instants) -> tuple[Reason, ...]:
        return (Reason("Application Opened", "quiet", "", "", True),)


class ExplainsInNumpy(Quiet):
    def explain(self, params: QuietParams, model: Model | None, users: Population, at: Instants) -> tuple[Reason, ...]:
        member: Any = self.evaluate(params, model, users, at).member[0]
        return (Reason("Application Opened", "quiet", "", "", member),)


class HiddenClock(Quiet):
    """Reads no event and declares no clock, but its answer ends."""

    def reads(self, params: QuietParams) -> Reads:
        return Reads(attributes=frozenset({"plan"}))

    def evaluate(self, params: QuietParams, model: Model | None, users: Population, at: Instants) -> Verdict:
        return Verdict(np.asarray(users.category("plan").present), at + 1)


class RefusesUnknown(Quiet):
    def check(self, params: QuietParams, kinds: Kinds) -> list[Fault]:
        return [] if kinds.attribute("plan") is Kind.TEXT else [Fault(("days",), "no plan")]


class ReadsList(Quiet):
    def reads(self, params: QuietParams) -> Reads:
        return Reads(attributes=["plan"])  # type: ignore[arg-type]  # the fault


class Averse(Quiet):
    """Learns how many users there are. Sound."""

    name = "averse"

    def model_params(self, params: QuietParams) -> dict[str, Any] | None:
        return {"days": params.days}

    def fit(self, params: QuietParams, users: Population, at: Micros) -> Model | None:
        return Model({"n": len(users)}, len(users), {"users": len(users)}) if len(users) else None


class LearnsFromNobody(Averse):
    def fit(self, params: QuietParams, users: Population, at: Micros) -> Model | None:
        return Model({}, 1, {})


class LearnsNumpy(Averse):
    def fit(self, params: QuietParams, users: Population, at: Micros) -> Model | None:
        data: Any = {"n": np.int64(len(users))}
        return Model(data, len(users), {}) if len(users) else None


class LearnsKeys(Averse):
    def fit(self, params: QuietParams, users: Population, at: Micros) -> Model | None:
        data: Any = {1: "one"}
        return Model(data, len(users), {}) if len(users) else None


class RefitsByFloats(Quiet):
    """A float is no instant."""

    def refit_every(self, params: Any) -> Any:
        return 86_400.0


class RefitsNothing(Quiet):
    """There is no model to be fitted again."""

    def refit_every(self, params: Any) -> Any:
        return DAY


class LearnsNothing(Averse):
    def fit(self, params: QuietParams, users: Population, at: Micros) -> Model | None:
        return None


class LearnsAnew(Averse):
    def __init__(self) -> None:
        self.fits = 0

    def fit(self, params: QuietParams, users: Population, at: Micros) -> Model | None:
        self.fits += 1
        return Model({"n": self.fits}, len(users), {}) if len(users) else None


class Miscounts(Averse):
    def fit(self, params: QuietParams, users: Population, at: Micros) -> Model | None:
        return Model({}, 1_000_000, {}) if len(users) else None


class Nameless(Quiet):
    name = "all"


class Unversioned(Quiet):
    version = 0
