"""Declarations: good ones load, each mistake gets file, line and a suggestion."""

from __future__ import annotations

from pathlib import Path

import pytest

from specs.declaration import Account, load_declaration, storage_declaration, target_declaration
from specs.loader import load_catalogue
from specs.yaml_source import SourceError

GOOD = """kandian: declaration/1
device: {dev_id: KDN00000001, key: {env: KANDIAN_TEST_KEY}, model: GC-1}
features:
  tykd: true
  channels: 4
  type: nvr
  streams: [1/1, 2/2]
timers: {scale: 0.02}
"""
VOCABULARY = load_catalogue().vocabulary


def load(tmp_path: Path, text: str) -> object:
    path = tmp_path / "device.yaml"
    path.write_text(text, encoding="utf-8")
    return load_declaration(path, VOCABULARY)


def test_a_good_declaration(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KANDIAN_TEST_KEY", "very-secret")
    path = tmp_path / "device.yaml"
    path.write_text(GOOD, encoding="utf-8")
    loaded = load_declaration(path, VOCABULARY)
    assert loaded.features == {"tykd": True, "channels": 4, "type": "nvr", "streams": frozenset({"1/1", "2/2"})}
    assert loaded.key == "very-secret"
    assert loaded.secrets == ("very-secret",)
    assert loaded.address == "KDN00000001"


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("channels: 4", "chanels: 4", "device.yaml:5: unknown feature 'chanels'; did you mean 'channels'?"),
        ("features:", "feature:", "device.yaml:3: unknown key 'feature'; did you mean 'features'?"),
        ("dev_id:", "devid:", "unknown key 'devid'; did you mean 'dev_id'?"),
        ("type: nvr", "type: nvrr", "device.yaml:6: unknown value for type: 'nvrr'; did you mean 'nvr'?"),
        ("tykd: true", "tykd: yes", "device.yaml:4: tykd is true or false, not 'yes'"),
        ("channels: 4", "channels: -1", "device.yaml:5: channels is a whole number from 0, not -1"),
        ("1/1", "1/7", "device.yaml:7: unknown value for streams: '1/7'"),
        ("scale: 0.02", "scale: 0", "device.yaml:8: the timer scale must lie above 0 and not above 1"),
        ("KANDIAN_TEST_KEY", "KANDIAN_NO_SUCH_KEY", "the environment variable KANDIAN_NO_SUCH_KEY is not set"),
        ("declaration/1", "declaration/9", "device.yaml:1: Invalid enum value 'declaration/9'"),
    ],
)
def test_mistakes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, message: str) -> None:
    monkeypatch.setenv("KANDIAN_TEST_KEY", "very-secret")
    with pytest.raises(SourceError) as caught:
        load(tmp_path, GOOD.replace(old, new, 1))
    assert message in str(caught.value)


def test_a_bare_stream_is_a_declaration() -> None:
    loaded = target_declaration("rtsp://admin:pa55word@192.0.2.7:8554/live?x=1")
    media = loaded.declaration.media
    assert media is not None
    assert (media.url, media.user, loaded.password) == ("rtsp://192.0.2.7:8554/live?x=1", "admin", "pa55word")
    assert loaded.features == {"tykd": False}
    assert loaded.address == "192.0.2.7:8554"


@pytest.mark.parametrize("url", ["http://192.0.2.7/", "rtsp:///x", "192.0.2.7"])
def test_what_is_no_target(url: str) -> None:
    with pytest.raises(ValueError, match="a target is an rtsp://"):
        target_declaration(url)


STORAGE = """kandian: declaration/1
device: {role: cloud_storage, dev_id: shop-store}
storage:
  endpoint: http://127.0.0.1:9000
  dialect: oos5
  region: cn
  accounts:
  - {access_key: OWNER1, secret_key: {env: KANDIAN_TEST_KEY}}
  - {name: rival, access_key: OTHER1, secret_key: {value: second-secret}}
"""


def test_a_storage_declares_its_accounts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KANDIAN_TEST_KEY", "very-secret")
    loaded = load(tmp_path, STORAGE)
    assert loaded.accounts == (
        Account("account 1", "OWNER1", "very-secret"),
        Account("rival", "OTHER1", "second-secret"),
    )
    assert loaded.secrets == ("very-secret", "second-secret")
    assert loaded.address == "127.0.0.1:9000"
    assert (loaded.features["dialect"], loaded.features["two_tenants"], loaded.features["storage_tls"]) == (
        "oos5",
        True,
        False,
    )


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("KANDIAN_TEST_KEY", "KANDIAN_NO_KEY", ":8: the environment variable KANDIAN_NO_KEY is not set"),
        ("dialect: oos5", "dialect: oos7", ":5: "),
        ("  region: cn", "  regoin: cn", ":6: unknown key 'regoin'; did you mean 'region'?"),
    ],
)
def test_mistakes_about_a_storage(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, old: str, new: str, message: str
) -> None:
    monkeypatch.setenv("KANDIAN_TEST_KEY", "very-secret")
    with pytest.raises(SourceError) as caught:
        load(tmp_path, STORAGE.replace(old, new, 1))
    assert message in str(caught.value)


def test_a_storage_without_a_section_is_no_storage(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match=r":2: a cloud storage is described under `storage:`, which is missing"):
        load(tmp_path, STORAGE[: STORAGE.index("storage:\n")])


def test_the_target_overrides_the_declared_endpoint(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KANDIAN_TEST_KEY", "very-secret")
    loaded = storage_declaration("https://192.0.2.9:9443/", load(tmp_path, STORAGE))
    assert loaded.declaration.storage is not None
    assert loaded.declaration.storage.endpoint == "https://192.0.2.9:9443"
    assert loaded.features["storage_tls"] is True
    assert loaded.accounts[0].secret_key == "very-secret"


def test_a_bare_storage_takes_its_accounts_from_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KANDIAN_ACCESS_KEY", "AK")
    monkeypatch.setenv("KANDIAN_SECRET_KEY", "SK")
    monkeypatch.delenv("KANDIAN_OTHER_ACCESS_KEY", raising=False)
    loaded = storage_declaration("http://192.0.2.9:9000", None)
    assert loaded.role == "cloud_storage"
    assert loaded.accounts == (Account("owner", "AK", "SK"),)
    assert loaded.features["two_tenants"] is False


@pytest.mark.parametrize(
    "url", ["rtsp://192.0.2.7/", "http:///x", "http://user:word@192.0.2.7", "http://192.0.2.7/bucket"]
)
def test_what_is_no_storage(url: str) -> None:
    with pytest.raises(ValueError, match="the target of a storage is"):
        storage_declaration(url, None)
