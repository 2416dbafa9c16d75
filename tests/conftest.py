"""Runs that take minutes, mostly waiting, begin with the session, and what needs their results comes last."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future

import pytest
from qualification_run import QualificationRun

LONG_RUNS = ("foreign", "qualification_run")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests of long runs last, the longest last of all."""
    items.sort(key=lambda item: max(LONG_RUNS.index(name) + 1 if name in fixtures(item) else 0 for name in LONG_RUNS))


def fixtures(item: pytest.Item) -> tuple[str, ...]:
    """Names of the fixtures that a test uses."""
    return tuple(getattr(item, "fixturenames", ()))


@pytest.fixture(scope="session", autouse=True)
def begin_long_runs(request: pytest.FixtureRequest) -> None:
    """Begin what mostly waits."""
    for name in LONG_RUNS:
        if any(name in fixtures(item) for item in request.session.items):
            request.getfixturevalue(name)


@pytest.fixture(scope="session")
def foreign(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Future[dict[str, str]]]]:
    """Verdicts of the media profile on servers that nobody here wrote, by name of the server."""
    from foreign_runs import foreign_runs

    with foreign_runs(tmp_path_factory.mktemp("foreign")) as runs:
        yield runs


@pytest.fixture(scope="session")
def qualification_run(tmp_path_factory: pytest.TempPathFactory) -> Iterator[QualificationRun]:
    """The qualification of every role."""
    run = QualificationRun(tmp_path_factory.mktemp("qualify"))
    yield run
    run.stop()
