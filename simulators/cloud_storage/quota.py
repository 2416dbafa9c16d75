"""How much a tenant may store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from simulators.cloud_storage.faults import Fault

if TYPE_CHECKING:
    from simulators.cloud_storage.storage import CloudStorage


class Quota:
    """``quota`` bytes a tenant, parts of uploads included; 0: as much as the disk takes."""

    def __init__(self, storage: CloudStorage) -> None:
        self.storage, self.disk = storage, storage.disk
        self.quota = storage.declared.quota

    def check(self, bucket: str, more: int) -> None:
        """Whether the owner of a bucket may store so many bytes more. Raises Fault."""
        if self.quota and self.disk.usage(self.disk.owner(bucket) or "") + more > self.quota:
            raise Fault("QuotaExceeded")

    def report(self, bucket: str) -> list[tuple[str, str]]:
        """What HEAD of a bucket tells of its use, in the headers that Ceph RGW uses."""
        objects, size = self.disk.used(bucket)
        found = [("X-RGW-Object-Count", str(objects)), ("X-RGW-Bytes-Used", str(size))]
        return [*found, ("X-RGW-Quota-User-Size", str(self.quota))] if self.quota else found
