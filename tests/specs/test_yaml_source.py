"""YAML: 1.2 scalars, duplicate keys, lines, bounds."""

from __future__ import annotations

from pathlib import Path

import pytest

from specs.yaml_source import SourceError, parse_yaml, read_yaml

WHERE = Path("some.yaml")


def test_scalars_are_those_of_yaml_1_2() -> None:
    text = "a: no\nb: 12:30\nc: 010\nd: 1.5\ne: true\nf: 0x31\ng: ~\nh: '7'\ni: 7\n"
    data = parse_yaml(text, WHERE).data
    assert data == {"a": "no", "b": "12:30", "c": "010", "d": 1.5, "e": True, "f": 49, "g": None, "h": "7", "i": 7}


def test_lines_of_values() -> None:
    document = parse_yaml("a: 1\nb:\n- x\n- y: 2\n", WHERE)
    assert document.line(("a",)) == 1
    assert document.line(("b", 1, "y")) == 4
    assert document.line(("b", 1, "missing")) == 4


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: 1\na: 2\n", "some.yaml:2: the key 'a' stands here twice"),
        ("a: [1\n", "some.yaml:2: not valid YAML: did not find expected ',' or ']'"),
        ("a: &x 1\nb: *x\n", "some.yaml:1: aliases (*name) are not allowed"),
        ("? [1]\n: 2\n", "some.yaml:1: a key must be a text or a whole number"),
    ],
)
def test_errors_name_file_and_line(text: str, message: str) -> None:
    with pytest.raises(SourceError) as caught:
        parse_yaml(text, WHERE)
    assert str(caught.value) == message


def test_deep_nesting_is_refused() -> None:
    with pytest.raises(SourceError, match="nested deeper than 40 levels"):
        parse_yaml("[" * 200 + "]" * 200, WHERE)


def test_missing_and_unreadable_files(tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="the file does not exist"):
        read_yaml(tmp_path / "none.yaml")
    (tmp_path / "latin.yaml").write_bytes(b"a: \xff\n")
    with pytest.raises(SourceError, match="not UTF-8 at byte 3"):
        read_yaml(tmp_path / "latin.yaml")
