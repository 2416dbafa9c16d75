"""What the golden camera offers over ONVIF is judged: no operation is there that no suite calls."""

from __future__ import annotations

import re
from pathlib import Path

import conformance.suites.camera.onvif
from conformance.protocols.onvif_cases import guarded_case
from simulators.camera.camera import Camera
from simulators.camera.declarations import ONVIF
from simulators.camera.onvif.server import OnvifService
from specs.declaration import load_declaration
from specs.loader import load_catalogue
from specs.onvif_operations import load_onvif_operations

#: Called by names that are put together in test_network.py.
PUT_TOGETHER = {"device SetNetworkDefaultGateway"}
SUITES = Path(conformance.suites.camera.onvif.__file__).parent


def test_every_operation_of_the_golden_camera_is_called(tmp_path: Path) -> None:
    """Reading ones by the suites over the tables, the others with arguments that name nothing, or by name."""
    camera = Camera(load_declaration(ONVIF, load_catalogue().vocabulary), tmp_path)
    named = "\n".join(path.read_text("utf-8") for path in sorted(SUITES.glob("*.py")))
    offered, uncalled = 0, set()
    for table, operation in load_onvif_operations().every():
        service = OnvifService(camera).services.get(table.service)
        if service is None or service.handler(operation.name) is None:
            continue
        offered += 1
        read = operation.reads and operation.describable and not operation.on_subscription
        if not read and guarded_case(table, operation) is None and not re.search(rf"\b{operation.name}\b", named):
            uncalled.add(f"{table.service} {operation.name}")
    assert offered > 100
    assert uncalled == PUT_TOGETHER
