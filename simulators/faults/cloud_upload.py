"""Mutants of the upload to the cloud storage."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from simulators.camera.camera import Camera
from simulators.camera.cloud import Account, CloudUploader
from simulators.camera.record_store import RecordFile
from simulators.faults.registry import mutant

if TYPE_CHECKING:
    from pathlib import Path


class _FirstAccount(CloudUploader):
    first: Account | None = None

    def account(self) -> Account:
        found = super().account()
        if self.first is None and found.usable:
            self.first = found
        return self.first or found


@mutant(violates="CS-CRE-01d")
class KeepsTheFirstCloudAccount(Camera):
    """The upload task goes on with the account that it began with."""

    zh = "上传任务一直使用最初的云存储帐号。"
    uploader_class = _FirstAccount


class _SpaceIgnored(CloudUploader):
    def may_upload(self, account: Account) -> bool:
        return bool(account.url and account.bucket) and self.camera.link_up.is_set()


@mutant(violates="CS-CRE-02")
class UploadsWithoutSpace(Camera):
    """Recordings are uploaded although the space is 0."""

    zh = "空间为 0 时仍然上传录像。"
    uploader_class = _SpaceIgnored


class _Numbered(CloudUploader):
    def key(self, file: RecordFile) -> str:
        return f"{self.camera.dev_id}/{file.channel}/{len(self._done) + 1}.mp4"


@mutant(violates="CS-UPL-01")
class ObjectsAreNumbered(Camera):
    """The name of an object is a running number instead of its time."""

    zh = "对象名为流水号，不含时间。"
    uploader_class = _Numbered


class _OneName(CloudUploader):
    def key(self, file: RecordFile) -> str:
        return f"{super().key(file).rpartition('/')[0]}/{self.first_name(file)}"

    def first_name(self, file: RecordFile) -> str:
        return min(f.name for f in self.camera.store.files if f.end > self._since)


@mutant(violates="CS-UPL-01")
class OneNameForAll(Camera):
    """All uploads of a day have the name of the first."""

    zh = "同一天的上传使用同一个对象名。"
    uploader_class = _OneName


class _RestAfterABreak(CloudUploader):
    broken: RecordFile | None = None

    def failed(self, file: RecordFile) -> None:
        self.broken = file

    async def upload(self, account: Account, file: RecordFile) -> None:
        if file != self.broken:
            await super().upload(account, file)
            return
        data = await asyncio.to_thread(_half, self.camera.store.path(file.name))
        await self.send(account, "PUT", self.key(file), body=data, headers=self.about(file))


def _half(path: Path) -> bytes:
    return path.read_bytes()[: path.stat().st_size // 2]


@mutant(violates="CS-UPL-03")
class HalfAnObjectAfterABreak(Camera):
    """After a broken connection half of the file is stored as the whole object."""

    zh = "连接中断后，把半个文件作为完整对象上传。"
    uploader_class = _RestAfterABreak


class _FetchedFromOutside(CloudUploader):
    async def upload(self, account: Account, file: RecordFile) -> None:
        called = asyncio.Event()
        server = await asyncio.start_server(lambda reader, writer: called.set(), self.camera.address, 0)
        try:
            await called.wait()
        finally:
            server.close()


@mutant(violates="CS-UPL-08")
class WaitsToBeFetched(Camera):
    """The device opens a port and waits for the storage to fetch the recording."""

    zh = "设备打开端口等待云存储来取录像。"
    uploader_class = _FetchedFromOutside


class _OneTry(CloudUploader):
    def failed(self, file: RecordFile) -> None:
        self.stored(file)


@mutant(violates="IF-REC-06a")
class FailedUploadsAreForgotten(Camera):
    """A recording whose upload failed is never tried again."""

    zh = "上传失败的录像不再补传。"
    uploader_class = _OneTry


class _Twice(CloudUploader):
    again = ""

    def failed(self, file: RecordFile) -> None:
        self.again = file.name

    def key(self, file: RecordFile) -> str:
        return super().key(file).replace(".mp4", "-1.mp4" if file.name == self.again else ".mp4")

    async def upload(self, account: Account, file: RecordFile) -> None:
        await super().upload(account, file)
        if file.name == self.again:
            self.again = ""
            await super().upload(account, file)


@mutant(violates="IF-REC-06a")
class CaughtUpUnderTwoNames(Camera):
    """What could not be uploaded at once is stored twice afterwards, under two names."""

    zh = "补传的录像以两个名称重复存储。"
    uploader_class = _Twice
