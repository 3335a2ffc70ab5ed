"""Profiles of Hypothesis: `dev` for the desk, `ci` for the gate; HYPOTHESIS_PROFILE chooses."""

from __future__ import annotations

import os

from hypothesis import HealthCheck, settings

# A shared machine is slow now and then; that is no fault of the code, and no test asserts on time.
UNTIMED = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

settings.register_profile("dev", parent=UNTIMED, max_examples=50)
settings.register_profile("ci", parent=UNTIMED, max_examples=150, derandomize=True, print_blob=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))
