"""A bundle is deterministic, its files fit their schemas, and hostile bytes never get further than BundleError."""

from __future__ import annotations

import base64
import json
from pathlib import Path

import jsonschema
import pytest
from bundle_corpus import Workshop
from bundle_sample import NOW, pack, write_run
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reports.bundle.layout import BundleError
from reports.bundle.reader import open_bundle
from reports.bundle.verify import verify
from specs.schemas import SCHEMA_FOLDER


def test_the_same_run_gives_the_same_bytes(tmp_path: Path) -> None:
    device = write_run(tmp_path / "run")
    digests = {pack(tmp_path / "run", tmp_path / f"{k}.kandian", device) for k in range(2)}

    assert len(digests) == 1
    assert (tmp_path / "0.kandian").read_bytes() == (tmp_path / "1.kandian").read_bytes()


def test_an_unfinished_run_is_not_packed(tmp_path: Path) -> None:
    device = write_run(tmp_path / "run")
    results = tmp_path / "run" / "results.jsonl"
    results.write_bytes(b"".join(results.read_bytes().splitlines(keepends=True)[:-1]))

    with pytest.raises(BundleError, match="did not come to its end"):
        pack(tmp_path / "run", tmp_path / "x.kandian", device)
    assert not (tmp_path / "x.kandian").exists()


def test_files_fit_their_schemas(workshop: Workshop) -> None:
    with open_bundle(workshop.good) as bundle:
        documents = {"manifest": bundle.manifest, "environment": bundle.document("environment.json")}
        name = next(name for name in bundle.signature_names if "verdicts" in name)
        documents["statement"] = json.loads(base64.b64decode(bundle.document(name)["payload"]))
    documents["public_key"] = workshop.lab.public.document()
    for kind, document in documents.items():
        schema = json.loads((SCHEMA_FOLDER / f"{kind}.schema.json").read_text("utf-8"))
        jsonschema.Draft202012Validator(schema).validate(document)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(position=st.floats(0, 1, exclude_max=True), value=st.integers(1, 255))
def test_no_flipped_byte_goes_unnoticed(position: float, value: int, workshop: Workshop, tmp_path: Path) -> None:
    data = bytearray(workshop.good.read_bytes())
    place = int(position * len(data))
    data[place] ^= value
    target = tmp_path / "flipped.kandian"
    target.write_bytes(bytes(data))

    found = verify(target, [workshop.lab.public], NOW)

    if found.exit_code == 0:
        with open_bundle(target) as flipped, open_bundle(workshop.good) as good:
            assert flipped.names == good.names
            assert all(flipped.digest(name) == good.digest(name) for name in good.names)
    target.unlink()
