"""The impaired network: what it asks of the kernel, and what it says where it may not."""

from __future__ import annotations

import shutil
import subprocess
import sys

import pytest

from conformance.peers import network_profile as subject
from conformance.peers.network_profile import Impairment, NotPermitted, enter
from specs.loader import load_catalogue
from specs.stated_needs import STATED_NEEDS


def test_the_worst_allowed_network_stands_in_the_spec() -> None:
    found = Impairment.of(load_catalogue().requirement("BIZ-KPI-08").limits)
    assert found == Impairment(latency=400, jitter=50, loss=0.001)
    wanted = "netem limit 100000 delay 400ms 50ms distribution normal loss random 0.1%"
    assert " ".join(found.netem()) == wanted


def test_a_missing_tool_is_named_in_both_languages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shutil, "which", lambda name: None if name == "tc" else f"/sbin/{name}")
    with pytest.raises(NotPermitted) as found:
        enter(Impairment(400, 50, 0.001))
    assert (found.value.zh, found.value.en) == (
        "缺少命令 tc（iproute2）",
        "the command tc (iproute2) is missing",
    )


def test_where_it_is_not_possible_the_command_is_not_run(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def refuse(impairment: Impairment) -> None:
        raise NotPermitted("不允许", "not permitted")

    monkeypatch.setattr(subject, "enter", refuse)
    assert subject.main([sys.executable, "-c", "print('ran')"]) == 77
    assert capfd.readouterr() == ("", "NOT_SELECTED: 不允许 / not permitted\n")


def test_inside_the_run_knows_it(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(subject, "enter", lambda impairment: None)
    code = "import os, sys; print(os.environ['KANDIAN_NETWORK']); sys.exit(3)"
    assert subject.main([sys.executable, "-c", code]) == 3
    assert capfd.readouterr().out == "impaired\n"


def test_a_run_on_an_ordinary_network_does_not_select_what_needs_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    need = STATED_NEEDS["network.impaired"]
    monkeypatch.delenv("KANDIAN_NETWORK", raising=False)
    assert not need.met(None)  # type: ignore[arg-type]
    monkeypatch.setenv("KANDIAN_NETWORK", "impaired")
    assert need.met(None)  # type: ignore[arg-type]


def test_without_arguments_it_says_how_it_is_used() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "conformance.peers.network_profile"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "conformance.peers.network_profile" in done.stderr
