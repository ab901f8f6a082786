"""Tests that cannot pass while Linux pretends to be a Mac, each with its reason.

A key is the id of a test, a file or a directory. Tests that say themselves that they are for Linux
(``skipif``) are not listed.
"""

from __future__ import annotations

CANNOT: dict[str, str] = {
    "tests/watch/test_namespaces.py": "its disks are mounted in a namespace of Linux",
    "tests/watch/test_silent_disks.py": "its disk is FUSE, which a Mac scans without watching it",
    "tests/watch/test_watcher.py::test_an_idle_watcher_is_idle": "pretending takes processor time",
    "tests/watch/test_scanner.py::test_a_hundred_thousand_files_take_about_a_second": "the same",
    "tests/cli/test_golden.py::test_output_is_as_it_was_and_fits": "on a Mac, `add` says more",
    **dict.fromkeys(
        (
            f"tests/doctor/test_planted_faults.py::test_a_planted_fault_raises_no_other_alarm[{case}]"
            for case in (
                "service of an older installation",
                "half a service",
                "service failed",
                "service not enabled",
            )
        ),
        "they plant units of systemd",
    ),
    "tests/docs/test_see_results.py::test_every_example_runs": "Linux has no /usr/bin/open",
    "tests/service/test_systemd.py": "it runs systemd",
    "tests/service/test_notify.py::test_fields_arrive[abstract]": "macOS has no abstract sockets",
    "tests/service/test_notify.py::test_workers_inherit_nothing[abstract]": "the same",
}
