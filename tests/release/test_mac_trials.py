"""What the job for Macs runs beside the tests, as far as Linux can run it."""

from __future__ import annotations

import importlib.metadata

import pytest

from release import imports, mps_trial


def test_a_module_that_cannot_be_imported_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """With the reason, and the others are imported all the same."""
    monkeypatch.setattr(imports, "own_modules", lambda: ["photosd.core.clock"])
    monkeypatch.setattr(imports, "libraries", lambda: ["no_such_module", "json"])
    assert imports.main() == 1
    said = capsys.readouterr().out
    assert "FAILED  no_such_module" in said and "No module named" in said
    assert said.endswith("1 modules cannot be imported\n")


def test_a_crash_while_importing_is_named() -> None:
    """The process dies, the trial does not."""
    assert "No module named" in imports.failure("json no_such")
    assert imports.failure("json decimal") == ""


def test_every_module_and_library_is_meant() -> None:
    """All of photosd, and a name for each requirement."""
    modules = " ".join(imports.own_modules()).split()
    for name in ("photosd", "photosd.watch.watcher", "photosd_cli.commands.query"):
        assert name in modules
    libraries = set(imports.libraries())
    assert {"torch", "PIL", "open_clip", "lancedb", "google.genai", "watchdog"} <= libraries
    wanted = [line for line in importlib.metadata.requires("photosd") or [] if "extra" not in line]
    assert len(libraries) >= len(wanted)


def test_modules_for_other_systems_are_left_out() -> None:
    """The step failed on each system: inotify is Linux's, FSEvents the Mac's."""
    (watch,) = [names for names in imports.own_modules() if names.startswith("photosd.watch ")]
    assert "photosd.watch.watcher" in watch.split()
    assert imports.failure(watch) == ""


@pytest.mark.slow
def test_everything_can_be_imported_here(capsys: pytest.CaptureFixture[str]) -> None:
    assert imports.main() == 0, capsys.readouterr().out


@pytest.mark.slow
def test_a_device_is_tried(capsys: pytest.CaptureFixture[str]) -> None:
    """The processor works with both; Linux has no MPS, and that is no failure."""
    assert mps_trial.main("cpu") == 0
    said = capsys.readouterr().out
    assert "cpu, one thread: works" in said and "cpu, two threads: works" in said
    assert mps_trial.main("mps") == 0
    assert "not available" in capsys.readouterr().out


def test_an_abort_is_reported(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """As of Metal, with two threads alone and with one."""
    two = "import os, sys\nif sys.argv[2] == '2': os.abort()"
    monkeypatch.setattr(mps_trial, "TRIAL", two)
    assert mps_trial.main("mps") == 0
    assert "mps, two threads: killed by SIGABRT" in capsys.readouterr().out
    monkeypatch.setattr(mps_trial, "TRIAL", "import os; os.abort()")
    assert mps_trial.main("mps") == 1
