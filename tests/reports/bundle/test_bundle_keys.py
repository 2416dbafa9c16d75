"""Keys in files: who may read them, what protects them, which halves belong together."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

import pytest
from bundle_sample import CREATED

from reports.bundle.dsse import pre_authentication_encoding
from reports.bundle.keys import KeyFault, is_protected, load_private, load_public, new_key, public_path


def test_a_key_pair(tmp_path: Path) -> None:
    public = new_key(tmp_path / "lab.key", role="lab", owner="实验室", days=10, now=CREATED)
    private = load_private(tmp_path / "lab.key")

    assert (tmp_path / "lab.key").stat().st_mode & 0o777 == 0o600
    assert load_public(tmp_path / "lab.pub.json") == public == private.public
    assert public.expires == "2024-01-11T00:00:00+00:00"
    assert public.valid_at(datetime(2024, 1, 11, tzinfo=UTC))
    assert not public.valid_at(datetime(2024, 1, 11, 0, 0, 1, tzinfo=UTC))
    assert public.verifies(private.sign(b"x"), b"x")
    assert not public.verifies(private.sign(b"x"), b"y")
    assert not public.verifies(b"", b"x")


def test_a_passphrase(tmp_path: Path) -> None:
    path = tmp_path / "lab.key"
    new_key(path, role="lab", owner="A", days=10, passphrase="long enough", now=CREATED)

    assert is_protected(path)
    load_private(path, "long enough")
    with pytest.raises(KeyFault, match="wrong passphrase"):
        load_private(path, "guessed")
    with pytest.raises(KeyFault, match="needs a passphrase"):
        load_private(path)


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "lab.key"
    new_key(path, role="lab", owner="A", days=10, now=CREATED)

    with pytest.raises(KeyFault, match="never overwritten"):
        new_key(path, role="lab", owner="A", days=10, now=CREATED)


def test_halves_that_do_not_belong_together(tmp_path: Path) -> None:
    for name in ("a", "b"):
        new_key(tmp_path / f"{name}.key", role="lab", owner="A", days=10, now=CREATED)
    public_path(tmp_path / "b.key").replace(public_path(tmp_path / "a.key"))

    with pytest.raises(KeyFault, match="not the public half"):
        load_private(tmp_path / "a.key")


@pytest.mark.parametrize(
    "change",
    [('"lab"', '"king"'), ('"ed25519"', '"none"'), ('"role"', '"rank"'), ("+00:00", ""), ('"keyid": "', '"keyid": "0')],
)
def test_a_public_key_file_that_was_edited(change: tuple[str, str], tmp_path: Path) -> None:
    new_key(tmp_path / "lab.key", role="lab", owner="A", days=10, now=CREATED)
    path = tmp_path / "lab.pub.json"
    path.write_text(path.read_text("utf-8").replace(*change), encoding="utf-8")

    with pytest.raises(KeyFault, match="not a public key file"):
        load_public(path)


def test_what_is_signed_is_the_published_encoding() -> None:
    """The example of the DSSE protocol page."""
    assert pre_authentication_encoding("http://example.com/HelloWorld", b"hello world") == (
        b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )
