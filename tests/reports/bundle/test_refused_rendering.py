"""Nothing is rendered of a bundle whose content is not whole, and a bad signature never makes a certificate."""

from __future__ import annotations

from pathlib import Path

import pytest
from bundle_corpus import CASES, Workshop
from bundle_sample import NOW
from test_bad_bundles import expected

from reports.result_files import load_run, load_signed_run
from reports.results import ResultsFileError

UNSOUND = [name for name in CASES if expected(name)["content"][0] == "no"]
SOUND = [name for name in CASES if name not in UNSOUND]


@pytest.mark.parametrize("name", UNSOUND)
def test_unsound_content_is_not_rendered(name: str, workshop: Workshop, tmp_path: Path) -> None:
    CASES[name](workshop, tmp_path / "bad.kandian")
    with pytest.raises(ResultsFileError, match=r"bad\.kandian"):
        load_run(tmp_path / "bad.kandian")


@pytest.mark.parametrize("name", SOUND)
def test_bad_signature_on_sound_content_is_refused_with_keys(name: str, workshop: Workshop, tmp_path: Path) -> None:
    CASES[name](workshop, tmp_path / "bad.kandian")
    assert load_run(tmp_path / "bad.kandian").signers == ()
    trusted = [workshop.lab.public, workshop.vendor.public, workshop.short_lived.public]
    with pytest.raises(ResultsFileError, match=r"bad\.kandian"):
        load_signed_run(tmp_path / "bad.kandian", trusted, NOW)
