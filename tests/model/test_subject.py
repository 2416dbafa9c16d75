"""Declaration, target and profile: which combinations make sense, and what follows from them."""

from __future__ import annotations

from pathlib import Path

import pytest

from conformance.model.subject import choose_subject
from simulators.camera.declarations import DEFAULT, STREAM
from specs.loader import load_catalogue

CATALOGUE = load_catalogue()


@pytest.mark.parametrize(
    ("declaration", "target", "profile", "role", "expected"),
    [
        (DEFAULT, None, None, "camera", "camera"),
        (DEFAULT, None, "camera-strict", "camera", "camera-strict"),
        (STREAM, None, None, "camera", "media"),
        (None, "rtsp://192.0.2.7/live", None, "camera", "media"),
        (None, "http://192.0.2.7/onvif/device_service", None, "camera", "onvif"),
        (None, "http://192.0.2.7:9000", "cloud-storage", "cloud_storage", "cloud-storage"),
    ],
)
def test_the_profile_follows(
    declaration: Path | None, target: str | None, profile: str | None, role: str, expected: str
) -> None:
    loaded, chosen = choose_subject(CATALOGUE, declaration, target, profile)
    assert (loaded.role, chosen.id) == (role, expected)


def test_the_embedded_simulator_is_that_of_role_and_profile() -> None:
    asked = []

    def embedded(role: str, profile: str) -> Path:
        asked.append((role, profile))
        return DEFAULT

    assert choose_subject(CATALOGUE, None, None, "media", embedded)[1].id == "media"
    assert choose_subject(CATALOGUE, None, None, None, embedded)[1].id == "camera"
    assert asked == [("camera", "media"), ("camera", "")]


@pytest.mark.parametrize(
    ("declaration", "target", "profile", "message"),
    [
        (None, None, None, "say which device: --declaration FILE or --target URL"),
        (DEFAULT, "rtsp://192.0.2.7/live", None, "--declaration and --target exclude each other"),
        (None, "http://192.0.2.7:9000", None, "the target of a camera is an rtsp://"),
        (
            DEFAULT,
            None,
            "cloud-storage",
            "the profile cloud-storage is for the role cloud_storage, the declaration for camera",
        ),
    ],
)
def test_what_makes_no_sense(declaration: Path | None, target: str | None, profile: str | None, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        choose_subject(CATALOGUE, declaration, target, profile)
