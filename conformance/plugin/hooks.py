"""The pytest side: collection against the plan, coroutines on the session loop, verdicts instead of outcomes."""

from __future__ import annotations

import contextlib
import inspect
import signal
import sys
import traceback
from collections.abc import Generator
from pathlib import Path
from typing import Any

import pytest

from conformance.model.checks import Checks, Judgement, judge, say
from conformance.model.verdict import Verdict
from conformance.peers.faults import BenchFault, DeviceFault, DeviceTerminated
from conformance.plugin import hookspecs
from conformance.plugin.progress import silence_pytest
from conformance.plugin.quick_start import without_collections
from conformance.plugin.results_file import ResultsError
from conformance.plugin.run import Run, test_id
from conformance.plugin.settings import GIVEN_SETTINGS, Settings, add_options, read_settings
from conformance.plugin.sharing import Sharing
from conformance.plugin.suite_files import is_needless
from conformance.protocols.violation import CodecError
from conformance.wire import DeviceBusy, EvidenceError, WireError
from specs.loader import UnknownName
from specs.model import Text
from specs.yaml_source import SourceError

SETTINGS = pytest.StashKey[Settings]()
RUN = pytest.StashKey[Run]()
#: The kind of run, where it is not the live one.
RUN_KIND = pytest.StashKey[type[Run]]()
CHECKS = pytest.StashKey[Checks]()
JUDGED = pytest.StashKey[Judgement]()
EXIT = pytest.StashKey[int]()
SETUP_FAULT = pytest.StashKey[Text]()

SUITE_ERROR = 3
_FAILING = {Verdict.FAIL, Verdict.ERROR, Verdict.INCONCLUSIVE, Verdict.BLOCKED}


class VerdictFailed(Exception):
    """A verdict that pytest is to show as failed; the text is for the reader, there is no traceback."""


def pytest_addoption(parser: pytest.Parser) -> None:
    add_options(parser)


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    pluginmanager.add_hookspecs(hookspecs)


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "verifies(*ids): the requirements that this test judges")
    config.addinivalue_line("markers", "long: a test that takes so long that a shared run begins with it")
    if config.option.claims:
        config.pluginmanager.register(Sharing(Path(config.option.claims)), "kandian-sharing")
        silence_pytest(config)


def requirement_ids(item: pytest.Item) -> tuple[str, ...]:
    """Ids named by @verifies on the test and by its parameters (``pytest.param(..., marks=verifies(..))``)."""
    return tuple(dict.fromkeys(i for mark in item.iter_markers("verifies") for i in mark.args))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leave out files about requirements that are not selected. Bad input is told of once the tests are known."""
    if collection_path.suffix != ".py" or config.option.collectonly:
        return None
    try:
        settings = settings_of(config)
    except (SourceError, UnknownName, ValueError):
        return None
    return is_needless(collection_path, settings.catalogue.requirements.keys(), settings.plan.selected) or None


def settings_of(config: pytest.Config) -> Settings:
    """The settings given, else those read from the options, once. Raises SourceError, UnknownName or ValueError."""
    if GIVEN_SETTINGS in config.stash:
        return config.stash[GIVEN_SETTINGS]
    if SETTINGS not in config.stash:
        config.stash[SETTINGS] = read_settings(config)
    return config.stash[SETTINGS]


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Files of suites are imported here."""
    with without_collections():
        return (yield)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Keep the tests of selected requirements; unknown ids and bad input end the run with exit code 4. Where the
    settings are given, the spec may be older than the suites: tests of requirements that it does not know are left out.
    """
    ours = [item for item in items if requirement_ids(item)]
    if not ours or config.option.collectonly:
        return
    try:
        settings = settings_of(config)
        known = settings.catalogue.requirements.keys()
        fitting = [item for item in ours if known >= set(requirement_ids(item))]
        for item in () if GIVEN_SETTINGS in config.stash else ours:
            for requirement_id in requirement_ids(item):
                settings.catalogue.requirement(requirement_id)
    except (SourceError, UnknownName, ValueError) as error:
        raise pytest.UsageError(str(error)) from None
    selected = settings.plan.selected
    chosen = {item for item in fitting if selected & set(requirement_ids(item))}
    order = {item.nodeid: index for index, item in enumerate(items) if item in chosen}
    kept = [item for item in items if item not in ours or item in chosen]
    dropped = [item for item in ours if item not in chosen]
    if dropped:
        config.hook.pytest_deselected(items=dropped)
    items[:] = kept

    def start_device(addresses: dict[str, Any]) -> dict[str, Any] | None:
        found: dict[str, Any] | None = config.hook.pytest_kandian_start_device(addresses=addresses)
        return found

    config.stash[RUN] = run = config.stash.get(RUN_KIND, Run)(settings, start_device)
    run.order = order


@pytest.hookimpl(wrapper=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Start bench and device before the first test, write the footer after the last."""
    run = session.config.stash.get(RUN, None)
    if run is None or session.config.option.collectonly:
        return (yield)
    try:
        run.start()
    except DeviceBusy as busy:
        raise pytest.UsageError(busy.explain(run.settings.language)) from None
    interrupted = False

    def stop(number: int, frame: object) -> None:
        nonlocal interrupted
        if interrupted:
            raise KeyboardInterrupt
        interrupted = True
        session.shouldstop = "interrupted: the test at work is finished, reports are written"

    previous = signal.signal(signal.SIGINT, stop)
    outcome: object = None
    try:
        outcome = yield
    except session.Interrupted:
        if not interrupted:
            raise
    except KeyboardInterrupt:
        interrupted = True
        with contextlib.suppress(KeyboardInterrupt):
            session._setupstate.teardown_exact(None)  # what the test changed is put back while there is a wire
    finally:
        signal.signal(signal.SIGINT, previous)
        session.config.hook.pytest_kandian_stop_device()
        session.config.stash[EXIT] = run.finish(interrupted=interrupted)
    return outcome


def pytest_internalerror(excinfo: pytest.ExceptionInfo[BaseException]) -> bool | None:
    """A full disk ends the run with one sentence; what was written before stands."""
    if not isinstance(excinfo.value, (EvidenceError, ResultsError)):
        return None
    print(f"kandian: {excinfo.value}", file=sys.stderr)  # noqa: T201
    return True


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """The exit code of a run is that of the verdict lattice."""
    code = session.config.stash.get(EXIT, None)
    if code is not None and exitstatus not in (pytest.ExitCode.USAGE_ERROR, pytest.ExitCode.INTERNAL_ERROR):
        session.exitstatus = code
    elif exitstatus == pytest.ExitCode.INTERNAL_ERROR:
        session.exitstatus = SUITE_ERROR


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a suite test on the session loop and judge it."""
    run = pyfuncitem.config.stash.get(RUN, None)
    checks = pyfuncitem.stash.get(CHECKS, None)
    if run is None or checks is None:
        return None
    fault, error = _carry_out(run, pyfuncitem)
    fault = fault or _background_fault(run)
    if error or fault:
        checks.fault = "suite" if error else checks.fault or "device"
    requirements = {i: run.settings.catalogue.requirement(i) for i in checks.requirements}
    judgement = judge(checks, requirements, run.settings.plan.profile.proposed_violation, fault, error)
    pyfuncitem.stash[JUDGED] = judgement
    language = run.settings.language
    if judgement.verdict in _FAILING:
        raise VerdictFailed(f"{judgement.verdict}: {judgement.reason.get(language)}")
    if judgement.verdict is Verdict.NOT_APPLICABLE:
        pytest.skip(judgement.reason.get(language))
    return True


def _carry_out(run: Run, item: pytest.Function) -> tuple[Text | None, Text | None]:
    """Run the test. Returns (fault of the device, error of the suite)."""
    names = item._fixtureinfo.argnames
    arguments = {name: item.funcargs[name] for name in names}
    try:
        result = item.obj(**arguments)
        if inspect.iscoroutine(result):
            run.run(result, run.bench.limits["test_time"].seconds)
    except DeviceFault as fault:
        item.stash[CHECKS].fault = "terminated" if isinstance(fault, DeviceTerminated) else None
        return fault.text, None
    except (EvidenceError, ResultsError):
        raise
    except WireError as error:
        return say(error.explain("zh"), error.explain("en")), None
    except CodecError as error:
        return say(f"设备发送的内容无法解析: {error}", f"the device sent something unreadable: {error}"), None
    except BenchFault as fault:
        item.stash[CHECKS].control(False, fault.text)
        return None, None
    except Exception as error:  # noqa: BLE001 - whatever a suite raises is a verdict
        item.add_report_section("call", "traceback", traceback.format_exc())
        return None, say(f"测试套件自身出错: {error!r}", f"the suite itself broke: {error!r}")
    return None, None


def _background_fault(run: Run) -> Text | None:
    failures = run.wire.take_failures()
    device = [error for _, error in failures if isinstance(error, (WireError, DeviceFault, CodecError))]
    others = [(name, error) for name, error in failures if error not in device]
    if others:
        name, error = others[0]
        run.broken = f"background task {name}: {error!r}"
    return say(f"后台连接出错: {device[0]}", f"a background connection broke: {device[0]}") if device else None


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> Generator[None, object, object]:
    """One test: evidence begins, fixtures, test, fixtures, the result line. A blocked run writes the line at once."""
    run = item.config.stash.get(RUN, None)
    ids = requirement_ids(item)
    if run is None or not ids:
        return (yield)
    name = test_id(item.nodeid)
    checks = Checks((), lambda: 0.0, lambda step: None)
    started = 0.0
    if run.blocked is None:
        run.begin_test(name)
        checks = Checks(ids, run.wire.now, run.wire.step)
        started = run.wire.now()
    item.stash[CHECKS] = checks
    outcome = yield
    if run.blocked is not None:
        blocked = Judgement(Verdict.BLOCKED, dict.fromkeys(ids, Verdict.BLOCKED), run.blocked)
        run.record(item.nodeid, name, None, blocked, 0.0, 0.0)
        _show(item, name, blocked, 0.0)
        return outcome
    run.end_test()
    judgement = item.stash.get(JUDGED, None)
    if judgement is None:
        reason = item.stash.get(SETUP_FAULT, say("测试准备失败", "the set-up of the test failed"))
        verdict = Verdict.INCONCLUSIVE if SETUP_FAULT in item.stash else Verdict.ERROR
        judgement = Judgement(verdict, dict.fromkeys(ids, verdict), reason)
    duration = run.wire.now() - started
    run.record(item.nodeid, name, checks, judgement, duration, started)
    _show(item, name, judgement, duration)
    return outcome


def _show(item: pytest.Item, name: str, judgement: Judgement, seconds: float) -> None:
    """Tell the live progress, where there is one."""
    progress = item.config.pluginmanager.getplugin("kandian-progress")
    if progress is not None:
        reason = {"zh": judgement.reason.zh, "en": judgement.reason.en}
        progress.verdict(name, str(judgement.verdict), reason, seconds)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_setup(item: pytest.Item) -> None:
    run = item.config.stash.get(RUN, None)
    if run is not None and requirement_ids(item) and run.blocked is not None:
        raise VerdictFailed(f"{Verdict.BLOCKED}: {run.blocked.get(run.settings.language)}")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Show verdicts without tracebacks; a device that is gone before a test makes it INCONCLUSIVE."""
    error = call.excinfo.value if call.excinfo else None
    if isinstance(error, (DeviceFault, BenchFault)):
        item.stash[SETUP_FAULT] = error.text
    report = yield
    judgement = item.stash.get(JUDGED, None)
    if isinstance(error, (VerdictFailed, DeviceFault, BenchFault)):
        report.longrepr = str(error)
    if judgement is not None and report.when == "call":
        report.user_properties.append(("verdict", str(judgement.verdict)))
    return report


def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """WARN is shown as such, it still passes."""
    if report.when == "call" and dict(report.user_properties).get("verdict") == Verdict.WARN:
        return "passed", "W", "WARN"
    return None
