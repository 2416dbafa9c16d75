"""The operations table: complete, consistent with the requirements that bound it, refused with file and line."""

from __future__ import annotations

from pathlib import Path

import pytest

from specs.loader import SourceError, load_catalogue
from specs.operations import OPERATIONS_PATH, load_operations


def test_an_operation_as_the_suite_sees_it() -> None:
    table = load_operations()
    part = next(operation for operation in table.operations if operation.name == "UploadPart")
    assert (part.method, part.at, part.query) == ("PUT", "object", {"partNumber": "1", "uploadId": "{upload}"})
    assert part.on_upload
    assert table.conditions["missing_upload"].code == "NoSuchUpload"


def test_the_second_listing_is_not_in_every_dialect() -> None:
    table = load_operations()
    assert {op.name for op in table.of("oos6")} - {op.name for op in table.of("oos5")} == {"ListObjectsV2"}


def test_limits_are_those_of_requirements() -> None:
    requirements = load_catalogue().requirements
    for operation in load_operations().operations:
        for reference in operation.limits.values():
            requirement, _, limit = reference.partition(".")
            assert limit in requirements[requirement].limits, reference


def test_features_are_in_the_vocabulary() -> None:
    known = set(load_catalogue().vocabulary.features)
    assert {operation.feature for operation in load_operations().operations} - {""} <= known


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ("name: HeadBucket", "name: ListBuckets", "ListBuckets stands here twice"),
        ("[missing_bucket, not_empty,", "[missing_bucket, not_emptied,", "there is no condition not_emptied"),
        ("method: HEAD", "method: LOOK", "LOOK"),
    ],
)
def test_a_wrong_table_is_told_with_file_and_line(tmp_path: Path, old: str, new: str, words: str) -> None:
    path = tmp_path / "operations.yaml"
    path.write_text(OPERATIONS_PATH.read_text("utf-8").replace(old, new, 1), encoding="utf-8")
    with pytest.raises(SourceError, match=words) as caught:
        load_operations(path)
    assert str(path) in str(caught.value)
