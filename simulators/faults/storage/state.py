"""Mutants that are a dictionary most of the time."""

from __future__ import annotations

import posixpath
import unicodedata

from aiohttp import web

from simulators.cloud_storage.exchange import Asked, Reply
from simulators.cloud_storage.multipart import Multipart
from simulators.cloud_storage.objects import Objects
from simulators.cloud_storage.storage import CloudStorage
from simulators.faults.registry import mutant


@mutant(violates="CS-019a")
class DotSegmentsAreResolved(CloudStorage):
    """Dot segments and doubled slashes of a key are resolved as in a file path."""

    zh = "键中的点段与连续斜线按文件路径处理。"

    class _Path(Asked):
        @classmethod
        def of(cls, received: web.BaseRequest) -> Asked:
            asked = super().of(received)
            if asked.key:
                asked.key = posixpath.normpath("/" + asked.key).lstrip("/") or asked.key
            return asked

    asked_class = _Path


@mutant(violates="CS-019a")
class KeysAreComposed(CloudStorage):
    """Keys are brought into one Unicode normal form."""

    zh = "键被转换为同一种 Unicode 规范形式。"

    class _Composed(Asked):
        @classmethod
        def of(cls, received: web.BaseRequest) -> Asked:
            asked = super().of(received)
            asked.key = unicodedata.normalize("NFC", asked.key)
            return asked

    asked_class = _Composed


@mutant(violates="CS-076a")
class DeletingAKeyDeletesItsFolder(CloudStorage):
    """When a key is deleted, those that go on with a slash go with it."""

    zh = "删除一个键时，以其加斜线开头的键一并被删除。"

    class _Folders(Objects):
        async def delete(self, asked: Asked) -> Reply:
            reply = await super().delete(asked)
            for found in list(self.disk.objects(asked.bucket, f"{asked.key}/", b"")):
                self.disk.remove(asked.bucket, found.key)
            return reply

    objects_class = _Folders


@mutant(violates="CS-076a")
class CopiesKeepWhatWasToldOfTheOldObject(CloudStorage):
    """A copy onto an object that is there keeps the metadata of that object."""

    zh = "复制到已存在的对象时保留旧对象的元数据。"

    class _Kept(Objects):
        async def copy(self, asked: Asked) -> Reply:
            before = self.disk.find(asked.bucket, asked.key)
            reply = await super().copy(asked)
            now = self.disk.find(asked.bucket, asked.key)
            if before is not None and now is not None:
                blob = self.disk.files.linked(now.blob)
                self.disk.put(asked.bucket, asked.key, blob, now.size, now.etag, now.modified, before.about)
            return reply

    objects_class = _Kept


@mutant(violates="CS-076a")
class AbortingAnUploadTakesTheObject(CloudStorage):
    """When an upload is aborted, the object that its key has had goes with it."""

    zh = "中止上传时，该键原有的对象一并消失。"

    class _Taking(Multipart):
        async def abort(self, asked: Asked) -> Reply:
            reply = await super().abort(asked)
            self.disk.remove(asked.bucket, asked.key)
            return reply

    multipart_class = _Taking


@mutant(violates="CS-076a")
class OnlyOneUploadAtATime(CloudStorage):
    """A new upload of a key ends the one before."""

    zh = "对同一键开始新的上传会终止先前的上传。"

    class _Single(Multipart):
        async def begin(self, asked: Asked) -> Reply:
            for upload in list(self.disk.uploads(asked.bucket)):
                if upload.key == asked.key:
                    self.disk.remove_upload(upload.id)
            return await super().begin(asked)

    multipart_class = _Single
