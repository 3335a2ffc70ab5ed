"""Faults planted in the engine, one at a time; the tests beside this file have to notice each."""

from __future__ import annotations

from typing import Final

from tests.engine.engine_mutants import ENGINE
from tests.engine.population_mutants import POPULATION
from tests.engine.service_mutants import SERVICE

MUTANTS: Final = (*POPULATION, *ENGINE, *SERVICE)
