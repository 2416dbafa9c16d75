"""Test functions go to the run that claims them; modules that belong together go to one run."""

from __future__ import annotations

from pathlib import Path

from conformance.plugin.sharing import Sharing


def test_a_claim_is_held_by_one_run(tmp_path: Path) -> None:
    one, two = Sharing(tmp_path), Sharing(tmp_path)
    assert one._claim("a")
    assert not two._claim("a")
    assert two._claim("b")
    assert one._claim("a")
    assert not one._claim("b")
