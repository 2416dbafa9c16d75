"""The register of devices with the fleet of the declared capacity in it."""

from __future__ import annotations

from pathlib import Path

import pytest
from platform_bench import play
from sqlalchemy import func, select

from simulators.platform.declarations import CAPACITY, DEFAULT
from simulators.platform.platform import Platform
from simulators.platform.tables import DEVICES
from specs.declaration import load_declaration
from specs.loader import load_catalogue
from specs.yaml_source import SourceError

LAST = "KDN70000999"


def test_the_fleet_is_bound_to_its_owner_and_stays_after_a_restart(tmp_path: Path) -> None:
    async def first(platform: Platform) -> None:
        database, devices = platform.database, platform.devices
        found = devices.find(LAST)
        assert found is not None
        assert (found["owner"], found["model"], found["name"]) == ("chain", "GC-1", LAST)
        assert devices.find("KDN70001000") is None
        assert devices.verdict(LAST, "c4d1907e52fb6a38", version="V1.0.0_20130601") == 0
        assert devices.verdict(LAST, "c4d1907e52fb6a39") == 2
        assert database.value(select(func.count()).select_from(DEVICES).where(DEVICES.c.owner == "chain")) == 1000
        devices.logged_in(LAST, "V1.0.7")
        devices.release("KDN70000998")

    async def second(platform: Platform) -> None:
        found, released = platform.devices.find(LAST), platform.devices.find("KDN70000998")
        assert (found or {})["version"] == "V1.0.7"
        assert (released or {})["owner"] == ""

    play(first, tmp_path)
    play(second, tmp_path)


def test_what_is_kept_of_a_device_follows_every_change(tmp_path: Path) -> None:
    async def scenario(platform: Platform) -> None:
        devices = platform.devices
        devices.rename(LAST, name="Door")
        devices.logged_in(LAST, "V1.2.0")
        read = devices.find(LAST) or {}
        assert (read["name"], read["version"]) == ("Door", "V1.2.0")
        read["name"] = "changed by a reader"
        assert (devices.find(LAST) or {})["name"] == "Door"
        devices.release(LAST)
        assert (devices.find(LAST) or {})["owner"] == ""
        assert devices.bind(LAST, "owner", devices.shop("owner", "East Street"))
        assert not devices.bind(LAST, "other", devices.shop("other", "South Street"))
        assert (devices.find(LAST) or {})["owner"] == "owner"
        stored = platform.database.row(select(DEVICES).where(DEVICES.c.id == LAST))
        assert stored == devices.find(LAST)

    play(scenario, tmp_path)


def test_the_capacity_declaration_has_ten_thousand_devices() -> None:
    loaded = load_declaration(CAPACITY, load_catalogue().vocabulary)
    assert loaded.declaration.platform is not None
    capacity = loaded.declaration.platform.capacity
    assert capacity is not None
    assert (capacity.devices, capacity.interval, loaded.features["capacity"]) == (10000, 5.0, True)
    assert loaded.fleet_key in loaded.secrets


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("devices: 1000", "devices: 0", "lie above 0"),
        ("heartbeats_per_second: 500", "heartbeats_per_second: -1", "lie above 0"),
        ("key: {value: c4d1907e52fb6a38}", "key: {env: NO_SUCH_VARIABLE}", "NO_SUCH_VARIABLE is not set"),
    ],
)
def test_a_capacity_that_cannot_be_is_refused(tmp_path: Path, old: str, new: str, message: str) -> None:
    text = DEFAULT.read_text("utf-8")
    assert old in text
    path = tmp_path / "platform.yaml"
    path.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(SourceError, match=message):
        load_declaration(path, load_catalogue().vocabulary)


def test_without_capacity_the_feature_is_false(tmp_path: Path) -> None:
    lines = DEFAULT.read_text("utf-8").splitlines()
    start = lines.index("  capacity:")
    path = tmp_path / "platform.yaml"
    path.write_text("\n".join(lines[:start] + lines[start + 6 :]), encoding="utf-8")
    assert load_declaration(path, load_catalogue().vocabulary).features["capacity"] is False
