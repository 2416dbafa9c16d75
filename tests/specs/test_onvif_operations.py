"""The tables of ONVIF operations: what they say, and that a wrong one is told with file and line."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from specs.loader import SPECS_ROOT, SourceError, load_catalogue
from specs.onvif_operations import (
    OPERATION_FOLDER,
    OnvifOperation,
    OperationTables,
    load_onvif_operations,
    operation_faults,
)


@pytest.fixture
def tables() -> OperationTables:
    return load_onvif_operations()


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """A spec folder that holds the tables only."""
    shutil.copytree(OPERATION_FOLDER, tmp_path / OPERATION_FOLDER.relative_to(SPECS_ROOT))
    return tmp_path


def test_the_services_and_how_much_is_written_down(tables: OperationTables) -> None:
    assert {"device", "events", "imaging", "media", "media2", "ptz"} <= set(tables.services)
    assert len(list(tables.every())) > 200
    names = {(table.service, operation.name) for table, operation in tables.every()}
    assert {("device", "GetServices"), ("media2", "GetVideoEncoderInstances"), ("ptz", "ContinuousMove")} <= names


def test_an_operation_as_the_suites_see_it(tables: OperationTables) -> None:
    stream = tables.operation("media", "GetStreamUri")
    assert (stream.access, stream.support, stream.reads, stream.tokens) == (
        "READ_MEDIA",
        "mandatory",
        True,
        ("profile",),
    )
    setup, token = stream.request
    assert [field.name for field in setup.fields] == ["Stream", "Transport"]
    assert setup.fields[0].values == ("RTP-Unicast", "RTP-Multicast")
    assert (token.name, token.type, token.unknown) == ("ProfileToken", "token", "NoProfile")
    assert tables.codes(("NoProfile",)) == (("env:Sender", "ter:InvalidArgVal", "ter:NoProfile"),)


@pytest.mark.parametrize(
    ("service", "name", "access"),
    [
        ("device", "GetSystemDateAndTime", "PRE_AUTH"),
        ("device", "GetDeviceInformation", "READ_SYSTEM"),
        ("device", "GetUsers", "READ_SYSTEM_SECRET"),
        ("device", "SetHostname", "WRITE_SYSTEM"),
        ("device", "SystemReboot", "UNRECOVERABLE"),
        ("media", "GetProfiles", "READ_MEDIA"),
        ("media2", "CreateProfile", "ACTUATE"),
        ("media2", "GetVideoSourceModes", "READ_SYSTEM"),
        ("imaging", "SetImagingSettings", "ACTUATE"),
        ("events", "CreatePullPointSubscription", "READ_MEDIA"),
    ],
)
def test_access_classes(tables: OperationTables, service: str, name: str, access: str) -> None:
    assert tables.operation(service, name).access == access


@pytest.mark.parametrize(
    ("level", "name", "may"),
    [
        ("Anonymous", "GetServices", True),
        ("Anonymous", "GetScopes", False),
        ("User", "GetScopes", True),
        ("User", "GetUsers", False),
        ("User", "SetHostname", False),
        ("Operator", "SetRelayOutputState", True),
        ("Operator", "GetUsers", False),
        ("Administrator", "SystemReboot", True),
    ],
)
def test_the_default_access_policy(tables: OperationTables, level: str, name: str, may: bool) -> None:
    assert tables.may(level, tables.operation("device", name)) is may  # type: ignore[arg-type]


def test_every_service_tells_its_capabilities_to_anybody(tables: OperationTables) -> None:
    for service in tables.services:
        operation = tables.operation(service, "GetServiceCapabilities")
        assert (operation.access, operation.support) == ("PRE_AUTH", "mandatory"), service


def test_effects_fit_access_classes(tables: OperationTables) -> None:
    def wrong(operation: OnvifOperation) -> bool:
        writes = operation.access in ("WRITE_SYSTEM", "UNRECOVERABLE", "ACTUATE")
        return writes == operation.reads

    assert [o.name for t, o in tables.every() if t.service != "events" and wrong(o)] == []


def test_what_is_asked_for_at_a_subscription(tables: OperationTables) -> None:
    found = [(o.prefix, o.name) for _, o in tables.every() if o.on_subscription]
    assert found == [
        ("", "PullMessages"),
        ("", "SetSynchronizationPoint"),
        ("", "Seek"),
        ("wsnt", "Renew"),
        ("wsnt", "Unsubscribe"),
    ]


def test_what_may_come_as_an_attachment(tables: OperationTables) -> None:
    found = {o.name for _, o in tables.every() if o.attachment}
    assert found == {"GetSystemBackup", "GetSystemLog", "GetSystemSupportInformation", "GetAccessPolicy"}


def test_what_was_withdrawn_says_until_when(tables: OperationTables) -> None:
    assert tables.operation("device", "UpgradeSystemFirmware").until == "24.12"


def test_books_are_in_the_basis(tables: OperationTables) -> None:
    assert {table.book for table in tables.services.values()} <= set(load_catalogue().basis)


def test_the_shipped_tables_are_clean() -> None:
    assert list(operation_faults(SPECS_ROOT, load_catalogue().basis)) == []


def test_a_folder_without_tables_is_clean(tmp_path: Path) -> None:
    assert list(operation_faults(tmp_path, ())) == []


@pytest.mark.parametrize(
    ("file", "old", "new", "words"),
    [
        ("ptz", "name: GetNode\n", "name: GetNodes\n", "GetNodes stands here twice"),
        ("ptz", "unknown: NoEntity", "unknown: NoEntities", "there is no condition NoEntities"),
        ("ptz", "faults: [NoEntity]", "faults: [NoConfig]", "NoEntity is missing among the faults"),
        ("ptz", "of: ptz_node, ", "", "NodeToken: a token names something"),
        ("imaging", "access: ACTUATE", "access: TOUCH", "TOUCH"),
        ("device", "  capability: System/HttpFirmwareUpgrade\n", "", "a conditional operation names its capability"),
        ("conditions", "zh: 配置集不存在", "zh: no", "NoProfile: one of its two languages is missing"),
        (
            "conditions",
            "unknown: [InvalidArgVal]",
            "unknown: [Nothing]",
            "allowed unknown: there is no condition Nothing",
        ),
        ("media", "book: ONVIF-MEDIA", "book: NO-BOOK", "unknown basis key NO-BOOK"),
    ],
)
def test_a_wrong_table_is_found(copied: Path, file: str, old: str, new: str, words: str) -> None:
    path = copied / OPERATION_FOLDER.relative_to(SPECS_ROOT) / f"{file}.yaml"
    text = path.read_text("utf-8")
    assert old in text
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    found = [str(fault) for fault in operation_faults(copied, load_catalogue().basis)]
    assert len(found) == 1
    assert words in found[0]
    assert str(path) in found[0]


def test_loading_tells_the_line(copied: Path) -> None:
    folder = copied / OPERATION_FOLDER.relative_to(SPECS_ROOT)
    path = folder / "events.yaml"
    path.write_text(path.read_text("utf-8").replace("access: PRE_AUTH", "access: ANY", 1), encoding="utf-8")
    with pytest.raises(SourceError, match=r"events.yaml:11: "):
        load_onvif_operations(folder)
