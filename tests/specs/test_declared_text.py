"""The declaration that a run keeps: it can be loaded again, and it holds no secret."""

from __future__ import annotations

from pathlib import Path

import pytest

from specs.declaration import load_declaration, storage_declaration, target_declaration
from specs.declared_text import REMOVED, declaration_text, names_foreign_secrets
from specs.loader import load_catalogue

TEXT = """kandian: declaration/1
device: {dev_id: KDN1, key: {%s}}
features: {tykd: true, type: camera, streams: ["1/1"]}
media: {url: "rtsp://admin:geheim-1@192.0.2.7/live", user: admin}
controls: {commands: {power: {command: [ssh, lab, power]}}}
"""
VOCABULARY = load_catalogue().vocabulary


def again(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "kept.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def declared(tmp_path: Path, key: str) -> Path:
    path = tmp_path / "camera.yaml"
    path.write_text(TEXT % key, encoding="utf-8")
    return path


def test_secrets_commands_and_logins_are_taken_out(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("9f2c41d07be35a68\n", encoding="utf-8")
    loaded = load_declaration(declared(tmp_path, "file: key"), VOCABULARY)

    text = declaration_text(loaded, {"9f2c41d07be35a68": "0123456789abcdef"})

    assert "9f2c41d07be35a68" not in text
    assert "geheim" not in text
    assert "ssh" not in text
    kept = load_declaration(again(tmp_path, text), VOCABULARY)
    assert kept.key == "0123456789abcdef"
    assert kept.features == loaded.features
    assert kept.declaration.controls.available == {"power"}


def test_a_secret_without_a_placeholder_is_removed(tmp_path: Path) -> None:
    loaded = load_declaration(declared(tmp_path, "value: abc"), VOCABULARY)
    assert load_declaration(again(tmp_path, declaration_text(loaded)), VOCABULARY).key == REMOVED


def test_what_a_stream_url_says(tmp_path: Path) -> None:
    loaded = target_declaration("rtsp://viewer:geheim-1@192.0.2.7:8554/live")

    kept = load_declaration(again(tmp_path, declaration_text(loaded, {"geheim-1": "xyzxyz-9"})), VOCABULARY)

    assert (kept.password, kept.features) == ("xyzxyz-9", {"tykd": False})
    assert kept.address == "192.0.2.7:8554"


def test_accounts_of_the_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KANDIAN_ACCESS_KEY", "AK1")
    monkeypatch.setenv("KANDIAN_SECRET_KEY", "geheim-1")
    loaded = storage_declaration("http://192.0.2.7:9000", None)

    kept = load_declaration(again(tmp_path, declaration_text(loaded, {"geheim-1": "xyzxyz-9"})), VOCABULARY)

    assert [(a.access_key, a.secret_key) for a in kept.accounts] == [("AK1", "xyzxyz-9")]
    assert kept.features == loaded.features
    assert kept.declaration.storage is not None
    assert kept.declaration.storage.endpoint == "http://192.0.2.7:9000"


@pytest.mark.parametrize(
    ("key", "outside"), [("value: abc", False), ("file: /etc/hostname", True), ("env: HOME", True)]
)
def test_secrets_of_the_reader(tmp_path: Path, key: str, outside: bool) -> None:
    assert names_foreign_secrets(declared(tmp_path, key)) is outside
