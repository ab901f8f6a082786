"""Accelerators that failed are remembered until an upgrade, or until the device is set."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest

from photosd.core.config import parsed
from photosd.core.errors import ConfigError
from photosd.encoder import accelerators
from photosd.encoder.accelerators import DEATHS_WITHIN, Accelerators, Cause, DeviceFailure
from photosd.encoder.device_choice import DeviceChoice
from photosd.encoder.encoder_status import EncoderStatus
from photosd.encoder.requests import EncodeRequest, LaneQueue
from photosd.encoder.results import vectors

NOW = 1_800_000_000.0


def failure(cause: Cause = "died", at: float = NOW, device: str = "mps") -> DeviceFailure:
    return DeviceFailure(device, cause, "killed by SIGABRT", at)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "accelerators.json"


def test_the_cpu_takes_over_after_two_deaths(file: Path) -> None:
    """It does for one model only, and a reason and a remedy are given."""
    known = Accelerators(file)
    assert not known.note("starter", failure())
    assert known.device_for("starter") == "auto" and known.takeover("starter") is None
    assert known.note("starter", failure(at=NOW + 60))
    assert known.device_for("starter") == "cpu" and known.device_for("other") == "auto"
    takeover = known.takeover("starter")
    assert takeover is not None and takeover["device"] == "mps"
    assert "died on mps 2 times: killed by SIGABRT" in takeover["reason"]
    assert takeover["remedy"].startswith("photosd config set encoder.device auto")


def test_one_failed_self_test_is_enough(file: Path) -> None:
    """Wrong vectors would stay in the index."""
    assert Accelerators(file).note("starter", failure("test"))
    assert Accelerators(file).device_for("starter") == "cpu"


@pytest.mark.parametrize("cause", ["absent", "shortage"])
def test_what_may_be_over_at_the_next_start_is_not_remembered(file: Path, cause: Cause) -> None:
    """A game that fills the GPU's memory ends."""
    known = Accelerators(file)
    assert not known.note("starter", failure(cause)) and not known.note("starter", failure(cause))
    assert known.device_for("starter") == "auto"


def test_a_death_now_and_then_is_borne(file: Path) -> None:
    """One a day costs less than the CPU would."""
    known = Accelerators(file)
    for number in range(5):
        assert not known.note("starter", failure(at=NOW + number * (DEATHS_WITHIN + 1)))


def test_it_is_remembered_across_restarts_and_forgotten_with_an_upgrade(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An upgrade of photosd, PyTorch or the system."""
    known = Accelerators(file)
    known.note("starter", failure())
    known = Accelerators(file)  # the first death counts after a restart, too
    assert known.note("starter", failure(at=NOW + 5))
    assert Accelerators(file).device_for("starter") == "cpu"
    monkeypatch.setattr(accelerators, "versions", lambda: "photosd 9, torch 9, Darwin 99")
    known = Accelerators(file)
    assert known.device_for("starter") == "auto" and known.takeover("starter") is None
    assert not known.note("starter", failure(at=NOW + 9))  # from the beginning


def test_it_is_forgotten_when_the_device_is_set(file: Path) -> None:
    """Also to its present value; without a daemon, to another value."""
    for choose in ("auto", "mps", "cpu"):
        known = Accelerators(file)
        known.note("starter", failure("test"))
        known.choose(choose)
        assert known.device_for("starter") == choose and known.takeover("starter") is None
        assert Accelerators(file, choose).device_for("starter") == choose
    Accelerators(file).note("starter", failure("test"))
    assert Accelerators(file, "mps").device_for("starter") == "mps"


def test_no_takeover_is_reported_if_the_setting_is_the_cpu(file: Path) -> None:
    """There is nothing left to do."""
    Accelerators(file).note("starter", failure("test"))
    known = Accelerators(file, "cpu")
    assert known.device_for("starter") == "cpu" and known.takeover("starter") is None


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"starter": {}}', b"\xff"])
def test_a_damaged_file_forgets(file: Path, content: bytes) -> None:
    """Two deaths would restore what it held."""
    file.write_bytes(content)
    assert Accelerators(file).device_for("starter") == "auto"


def test_a_full_disk_costs_only_the_memory_of_it(tmp_path: Path) -> None:
    """While the daemon lives, the CPU stays."""
    known = Accelerators(tmp_path / "nowhere" / "accelerators.json")
    known.note("starter", failure("test"))
    assert known.device_for("starter") == "cpu"


def test_the_first_death_is_told_as_one_that_is_tried_again(file: Path) -> None:
    """Until the accelerator is disabled, the user has nothing to do."""
    takeover = Accelerators(file).explain(failure())
    assert takeover["reason"] == "the encoder died on mps: killed by SIGABRT"
    assert takeover["remedy"] == "no action needed: it is tried again"


class Scene:
    """One supervisor's choices, with an encoder that is warm on a device."""

    def __init__(self, device: str = "mps", text_device: str = "cpu") -> None:
        self.known = Accelerators()
        self.condition = EncoderStatus("starter", 60.0)
        self.choice = DeviceChoice(self.known, self.condition)
        self.warm(device, text_device)

    def warm(self, device: str, text_device: str = "cpu", **more: Any) -> None:
        facts = {"device": device, "text_device": text_device, "devices": [device, "cpu"]}
        header = {**facts, "absent": None, "doubt": None, **more}
        self.condition.becomes_ready(header)
        self.choice.on_ready(header)

    def dies(self, cause: Any = "crash", *, busy: bool = False, may_crash: bool = False) -> Any:
        images = LaneQueue("image")
        if busy or may_crash:
            images.submit(EncodeRequest({}, (), 1, None, vectors, may_crash))
            assert len(list(images.sendable())) == 1
        return self.choice.judge("killed by SIGABRT", cause, images)


def test_what_happens_on_the_cpu_says_nothing_against_the_gpu() -> None:
    """On a Mac texts are encoded there: a death over a text is no death on the GPU."""
    scene = Scene()
    assert scene.dies() == ("crash", False)
    assert scene.dies(busy=True) == ("device", True)
    assert scene.known.takeover("starter") is None
    assert scene.dies(busy=True) == ("device", True)
    assert scene.known.takeover("starter") is not None
    both = Scene("cuda", "cuda")
    assert both.dies() == ("device", True) and both.known.takeover("starter") is None
    assert both.dies() == ("device", True) and both.known.takeover("starter") is not None
    killed = Scene("cuda", "cuda")
    assert killed.dies("killed") == ("killed", False) == killed.dies("killed")


def test_a_photo_that_also_crashes_the_cpu_enables_the_gpu_again() -> None:
    """Otherwise one bad file would disable the GPU without limit."""
    scene = Scene()
    scene.dies(busy=True)
    assert scene.dies(may_crash=True) == ("device", True)
    assert scene.choice.next("starter") == "cpu"
    scene.warm("cpu")
    assert scene.dies(may_crash=True) == ("crash", False)
    assert scene.choice.next("starter") == "auto"


def test_a_self_test_that_also_fails_on_the_cpu_enables_the_gpu_again() -> None:
    """The model is damaged, and will be installed again."""
    scene = Scene()
    scene.choice.on_failure({"device": "mps", "cause": "test", "reason": "wrong"})
    assert scene.dies("other") == ("device", True)
    assert scene.choice.next("starter") == "cpu"
    scene.choice.on_model_failure()
    scene.dies("other")
    assert scene.choice.next("starter") == "auto"


def test_which_second_encoder_is_kept() -> None:
    """The CPU beside an accelerator; the accelerator beside the CPU, as long as it may work."""
    scene = Scene()
    assert scene.choice.next("starter") == "auto" and scene.choice.stand_by() == "cpu"
    scene.dies(busy=True)
    assert scene.choice.next("starter") == "cpu"
    scene.warm("cpu")
    assert scene.choice.stand_by() == "auto"
    assert scene.choice.on_stand_by_failure(failure(at=time.time()))
    assert scene.choice.stand_by() is None
    takeover = scene.condition.takeover
    assert takeover is not None and "died on mps 2 times" in takeover["reason"]


@pytest.mark.parametrize("cause", ["error", "shortage"])
def test_an_accelerator_without_memory_is_not_tried_beside_the_cpu(cause: Cause) -> None:
    """The next encoder tries it."""
    scene = Scene()
    scene.choice.on_failure({"device": "mps", "cause": cause, "reason": "none is left"})
    assert scene.dies("other") == ("device", True)
    assert scene.choice.next("starter") == "cpu"
    scene.warm("cpu")
    assert scene.choice.stand_by() is None
    assert scene.dies("killed") == ("killed", False) and scene.choice.next("starter") == "auto"


def test_a_machine_without_an_accelerator_has_one_encoder() -> None:
    """Whatever is set."""
    scene = Scene("cpu")
    for wanted in ("auto", "cpu", "cuda"):
        scene.known.choose(wanted)
        assert scene.choice.next("starter") == wanted and scene.choice.stand_by() is None


def test_a_device_that_is_not_there_is_named() -> None:
    """With what to do, as long as that encoder lives."""
    scene = Scene("cpu")
    scene.warm("cpu", devices=["cpu"], absent="cuda")
    takeover = scene.condition.takeover
    assert takeover is not None and "no cuda device" in takeover["reason"]
    assert takeover["remedy"] == "photosd config set encoder.device auto"


@pytest.mark.parametrize(
    ("platform", "device", "says"),
    [("linux", "mps", "only Macs"), ("darwin", "cuda", "no Mac"), ("darwin", "xpu", "no Mac")],
)
def test_a_device_that_this_system_cannot_have_is_refused(
    monkeypatch: pytest.MonkeyPatch, platform: str, device: str, says: str
) -> None:
    """When it is set, with a remedy."""
    monkeypatch.setattr("sys.platform", platform)
    with pytest.raises(ConfigError, match=says) as caught:
        parsed("encoder.device", device)
    assert caught.value.remedy
    assert parsed("encoder.device", "cpu") == "cpu"
