"""What every room of the tests shares: the options of the run and the profiles of hypothesis."""

import pytest
from hypothesis import HealthCheck, settings

settings.register_profile(
    "ci",
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.register_profile(
    "long",
    max_examples=2000,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
settings.load_profile("ci")

_OPTIONS = {
    "clients": ("--clients", "run the tests that drive real mail clients (curl, mutt, mbsync, ...)"),
    "dovecot": ("--dovecot", "run the comparisons with an installed Dovecot"),
    "slow": ("--long", "run the slow tests too, and far more hypothesis examples"),
}


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("mailaccess")
    for option, text in _OPTIONS.values():
        group.addoption(option, action="store_true", default=False, help=text)


def pytest_configure(config: pytest.Config) -> None:
    if config.getoption("--long"):
        settings.load_profile("long")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for marker, (option, _) in _OPTIONS.items():
        if config.getoption(option):
            continue
        skip = pytest.mark.skip(reason=f"runs only with {option}")
        for item in items:
            if item.get_closest_marker(marker) is not None:
                item.add_marker(skip)
