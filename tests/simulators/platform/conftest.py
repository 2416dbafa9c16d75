"""The helpers of the camera's tests, one folder up, serve the tests of the platform too."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.append(str(Path(__file__).parent.parent))
