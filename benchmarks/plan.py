"""Planning a thousand stanzas, against loading the same YAML with PyYAML's C loader alone."""

from __future__ import annotations

import shutil
import sys
import tempfile
import time
from pathlib import Path

import yaml

from conformance.model.plan import make_plan
from simulators.camera.declarations import DEFAULT
from specs.declaration import load_declaration
from specs.loader import SPECS_ROOT, load_catalogue, requirement_files

STANZAS = 1000
ROUNDS = 3


def thousand_stanzas(root: Path, wanted: int = STANZAS) -> int:
    """A copy of the specs with at least ``wanted`` requirements; returns how many."""
    shutil.copytree(SPECS_ROOT, root, ignore=shutil.ignore_patterns("__pycache__"))
    count = len(load_catalogue(root).requirements)
    source = root / "interface" / "framing.yaml"
    group = 0
    while count < wanted:
        name = f"IF-Q{group:02d}"
        text = source.read_text("utf-8").replace("IF-FRM", name)
        (root / "interface" / f"copy{group}.yaml").write_text(text, encoding="utf-8")
        count += text.count("\n- id: ")
        group += 1
    return count


def main() -> int:
    """Print the ratio; exit 1 when loading and planning take a second or more."""
    with tempfile.TemporaryDirectory(prefix="kandian-bench-") as folder:
        root = Path(folder) / "specs"
        count = thousand_stanzas(root)
        files = requirement_files(root)
        ours = theirs = float("inf")
        for _ in range(ROUNDS):
            started = time.perf_counter()
            catalogue = load_catalogue(root)
            loaded = load_declaration(DEFAULT, catalogue.vocabulary)
            make_plan(catalogue, catalogue.profile("camera"), catalogue.editions[-1].id, loaded)
            ours = min(ours, time.perf_counter() - started)
            started = time.perf_counter()
            for path in files:
                yaml.load(path.read_bytes(), Loader=yaml.CSafeLoader)
            theirs = min(theirs, time.perf_counter() - started)
    print(f"plan ratio={theirs / ours:.2f} peer=yaml.CSafeLoader ours={ours:.3f}s theirs={theirs:.3f}s")  # noqa: T201
    print(f"  {count} stanzas loaded, checked and planned")  # noqa: T201
    return 0 if ours < 1.0 else 1


if __name__ == "__main__":
    sys.exit(main())
