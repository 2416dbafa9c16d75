"""A small spec folder for tests of lint and revisions."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from specs.lint import write_lock
from specs.loader import SPECS_ROOT, load_catalogue
from specs.revisions import write_revisions

STANZA = """group: IF-XXX
title: {zh: 组, en: Group}
requirements:
- id: IF-XXX-01
  rev: 2
  title: {zh: 标题, en: Title}
  level: MUST
  role: camera
  binding: tykd
  when: always
  status: ratified
  since: pilot-2013.06
  basis: [{kind: seed, ref: S18}]
  text: {zh: 正文, en: Text}
  limits: {wait: {max: 4.0, unit: s}}
  procedure:
  - {id: s1, zh: 步骤, en: Step}
  remedy: {zh: 补救, en: Remedy}
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A small spec folder with one clean stanza, locked."""
    for name in ("features.yaml", "basis.yaml", "editions.yaml"):
        shutil.copy(SPECS_ROOT / name, tmp_path / name)
    (tmp_path / "interface").mkdir()
    (tmp_path / "interface" / "xxx.yaml").write_text(STANZA, encoding="utf-8")
    write_lock(tmp_path, load_catalogue(tmp_path))
    write_revisions(tmp_path, load_catalogue(tmp_path))
    return tmp_path
