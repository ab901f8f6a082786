"""The files of the forge: they run what there is, on the Pythons that photosd supports."""

from __future__ import annotations

import re
import tomllib
from typing import Any

import yaml

from tests.conftest import ROOT

WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def loaded(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text())


def commands() -> list[str]:
    jobs = [job for file in WORKFLOWS for job in yaml.safe_load(file.read_text())["jobs"].values()]
    hooks = loaded(".pre-commit-config.yaml")["repos"][0]["hooks"]
    return [step["run"] for job in jobs for step in job["steps"] if "run" in step] + [
        hook["entry"] for hook in hooks
    ]


def test_every_target_of_make_exists() -> None:
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    called = [
        word
        for command in commands()
        for call in re.findall(r"\bmake ([a-z -]+)", command)
        for word in call.split()
    ]
    assert called and set(called) <= set(targets)


def test_every_directory_of_tests_exists() -> None:
    named = {path for command in commands() for path in re.findall(r"\btests/\w+", command)}
    assert named and all((ROOT / path).is_dir() for path in named)


def test_the_pythons_are_those_that_are_supported() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    supported = {c.split(" :: ")[-1] for c in project["classifiers"] if re.search(r":: 3\.\d+$", c)}
    jobs = loaded(".github/workflows/test.yml")["jobs"]
    assert set(jobs["linux"]["strategy"]["matrix"]["python"]) == supported


def test_every_job_ends() -> None:
    jobs = loaded(".github/workflows/test.yml")["jobs"]
    assert all(job["timeout-minutes"] <= 90 for job in jobs.values())


def test_a_bug_comes_with_a_report() -> None:
    template = (ROOT / ".github" / "ISSUE_TEMPLATE" / "bug.yml").read_text()
    assert "photosd bugreport" in template and "photosd doctor" in template
