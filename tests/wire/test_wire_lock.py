"""One run per device."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from conformance.wire import DeviceBusy, DeviceLock


def test_second_holder_is_told_who_has_the_device(tmp_path: Path) -> None:
    with DeviceLock("KDN00000001", directory=tmp_path), pytest.raises(DeviceBusy) as busy:
        DeviceLock("kdn00000001", directory=tmp_path).acquire()
    assert busy.value.pid == os.getpid()
    assert busy.value.since.endswith("+00:00")
    assert str(os.getpid()) in busy.value.explain("zh")


def test_any_common_name_excludes_and_others_do_not(tmp_path: Path) -> None:
    with DeviceLock("KDN00000001", "192.0.2.7:554", directory=tmp_path):
        with pytest.raises(DeviceBusy, match=r"192\.0\.2\.7:554"):
            DeviceLock("A", "192.0.2.7:554", directory=tmp_path).acquire()
        with DeviceLock("A", directory=tmp_path):
            pass


def test_released_device_is_free_again(tmp_path: Path) -> None:
    for _ in range(2):
        with DeviceLock("KDN00000001", directory=tmp_path):
            pass


def test_lock_of_a_dead_process_is_free(tmp_path: Path) -> None:
    source = (
        "import os, pathlib, sys; from conformance.wire.lock import DeviceLock\n"
        f"DeviceLock('KDN1', directory=pathlib.Path({str(tmp_path)!r})).acquire()\n"
        "print('held', flush=True); sys.stdin.read()"
    )
    with subprocess.Popen([sys.executable, "-c", source], stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"held\n"
        with pytest.raises(DeviceBusy) as busy:
            DeviceLock("KDN1", directory=tmp_path).acquire()
        assert busy.value.pid == child.pid
        child.kill()
    with DeviceLock("KDN1", directory=tmp_path):
        pass


def test_names_that_look_alike_in_a_file_name_are_different(tmp_path: Path) -> None:
    with DeviceLock("a/b", directory=tmp_path), DeviceLock("a_b", directory=tmp_path):
        assert len(list(tmp_path.iterdir())) == 2
