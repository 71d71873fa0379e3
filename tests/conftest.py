"""How hard the property tests try: a profile of Hypothesis, chosen by ``HYPOTHESIS_PROFILE``.

``default`` tries the same examples on every run, so that a failure is the change's. ``soak``,
which ``scripts/soak`` chooses, tries many more, and others every time.
"""

from __future__ import annotations

import os

import pytest
from hypothesis import HealthCheck, settings

#: How many times as many examples the profile ``soak`` tries as the profile ``default``.
SOAK_FACTOR = 20

_PROFILE = os.environ.get("HYPOTHESIS_PROFILE", "default")

settings.register_profile("default", deadline=None, derandomize=True, print_blob=True)
settings.register_profile(
    "soak",
    deadline=None,
    max_examples=SOAK_FACTOR * settings.get_profile("default").max_examples,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
settings.load_profile(_PROFILE)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let the profile ``soak`` reach also tests that say themselves how many examples they try."""
    if _PROFILE != "soak":
        return
    for test in {item.function for item in items if isinstance(item, pytest.Function)}:
        if getattr(test, "_hypothesis_internal_settings_applied", False):
            own = test._hypothesis_internal_use_settings
            if own.max_examples != settings().max_examples:  # else it has the profile's already
                test._hypothesis_internal_use_settings = settings(
                    own, max_examples=SOAK_FACTOR * own.max_examples
                )
