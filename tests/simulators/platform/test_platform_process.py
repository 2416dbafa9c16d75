from __future__ import annotations

import json
import socket
from pathlib import Path
from typing import Any

import pytest
import requests

from simulators.platform.declarations import DEFAULT, SECURE, SHIPPED
from simulators.platform.embedded import EmbeddedPlatform
from specs.declaration import load_declaration
from specs.loader import load_catalogue
from specs.yaml_source import SourceError


def ask(endpoint: str, **request: Any) -> dict[str, Any]:
    host, _, port = endpoint.removeprefix("tcp://").rpartition(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(json.dumps(request).encode() + b"\n")
        answer: dict[str, Any] = json.loads(connection.makefile().readline())
        return answer


def test_it_runs_as_a_process_and_its_controls_work() -> None:
    embedded = EmbeddedPlatform(DEFAULT)
    try:
        told = embedded.pytest_kandian_start_device({})
        assert set(told) == {
            "group_url", "province_url", "client_url", "media_url", "access", "backup", "storage_endpoint",
            "storage_bucket", "controls",
        }  # fmt: skip
        base, controls = told["client_url"], told["controls"]
        opened = requests.post(
            f"{base}/sessions", json={"phone": "13800000001", "password": "Shop-8d41c7"}, timeout=5
        ).json()
        headers = {"Authorization": f"Bearer {opened['session']}"}
        assert requests.get(f"{base}/terminals", headers=headers, timeout=5).json()["total"] == 4
        status = ask(controls, do="status")
        assert (status["ok"], status["sessions"], status["devices"]) == (True, 1, {})
        moved = ask(controls, do="clock", set="2030-01-01T00:00:00+08:00")
        assert moved["time"].startswith("2029-12-31T16:00:0")
        expired = requests.get(f"{base}/terminals", headers=headers, timeout=5)
        assert expired.json()["name"] == "session_expired"
        host, _, port = told["access"].rpartition(":")
        assert ask(controls, do="outage", part="primary")["ok"]
        assert socket.socket().connect_ex((host, int(port))) != 0
        assert ask(controls, do="outage", part="primary", state="up")["ok"]
        assert socket.socket().connect_ex((host, int(port))) == 0
        requests.post(f"{base}/sms-codes", json={"phone": "13800000002"}, timeout=5)
        assert len(ask(controls, do="sms", phone="13800000002")["code"]) == 6
        assert ask(controls, do="suspend", user="other")["ok"]
        refused = requests.post(f"{base}/sessions", json={"phone": "13800000002", "password": "Shop-2be950"}, timeout=5)
        assert (refused.status_code, refused.json()["name"]) == (403, "suspended")
        assert not ask(controls, do="nothing")["ok"]
        assert not ask(controls, do="outage", part="moon")["ok"]
    finally:
        embedded.pytest_kandian_stop_device()


def test_its_declaration_is_known_and_holds_secrets_that_are_kept_back() -> None:
    assert DEFAULT in SHIPPED
    loaded = load_declaration(DEFAULT, load_catalogue().vocabulary)
    assert loaded.role == "platform"
    assert [user.name for user in loaded.users] == ["owner", "other", "sharee", "clerk", "operator", "chain"]
    assert {user.tenant for user in loaded.users} == {"owner", "other", "sharee", "operator", "chain"}
    assert {device.dev_id for device in loaded.devices if not device.owner} == {"KDN00000021", "KDN00000022"}
    for secret in (
        "Shop-8d41c7",
        "9f2c41d07be35a68",
        "7c1e9a4f5b20d836partner",
        "3f8e1c5a90d7b264stream",
        "c4d1907e52fb6a38",
    ):
        assert secret in loaded.secrets


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("owner: owner, shop: East Street}", "owner: owber, shop: East Street}", "unknown user 'owber'; did you mean"),
        ("role: operator", "role: boss", "Invalid enum value 'boss'"),
        ("  users:", "  people:", "unknown key 'people'"),
        ("\nplatform:", "\nplatform_:", "unknown key 'platform_'"),
    ],
)
def test_mistakes_in_a_declaration_are_named(tmp_path: Path, old: str, new: str, message: str) -> None:
    path = tmp_path / "platform.yaml"
    path.write_text(DEFAULT.read_text("utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SourceError, match=message):
        load_declaration(path, load_catalogue().vocabulary)


def test_the_secure_one_serves_its_clients_over_https_only() -> None:
    embedded = EmbeddedPlatform(SECURE)
    try:
        told = embedded.pytest_kandian_start_device({})
        assert told["client_url"].startswith("https://127.0.0.1:")
        assert told["media_url"].startswith("https://127.0.0.1:")
        version = f"{told['client_url']}/version"
        assert requests.get(version, verify=told["ca_file"], timeout=5).json()["api"] == "1.0"
        with pytest.raises(requests.exceptions.SSLError):
            requests.get(version, timeout=5)
        with pytest.raises(requests.exceptions.ConnectionError):
            requests.get(version.replace("https:", "http:"), timeout=5)
    finally:
        embedded.pytest_kandian_stop_device()
