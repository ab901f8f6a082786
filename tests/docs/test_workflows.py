"""Workflows and hooks are valid, and run what there is, on the Pythons that photosd supports."""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from release import imports
from tests.conftest import ROOT
from tests.darwin.conftest import ON_REAL_MACS

TOOLS = Path(sys.executable).parent
WORKFLOWS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))


def loaded(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text())


def steps() -> list[str]:
    jobs = [job for file in WORKFLOWS for job in yaml.safe_load(file.read_text())["jobs"].values()]
    return [step["run"] for job in jobs for step in job["steps"] if "run" in step]


def commands() -> list[str]:
    hooks = loaded(".pre-commit-config.yaml")["repos"][0]["hooks"]
    return steps() + [hook["entry"] for hook in hooks]


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


@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_every_job_ends(file: Path) -> None:
    jobs = yaml.safe_load(file.read_text())["jobs"]
    assert all(job["timeout-minutes"] <= 90 for job in jobs.values())


@pytest.mark.skipif(not (TOOLS / "check-jsonschema").exists(), reason="run: make setup")
@pytest.mark.parametrize("file", WORKFLOWS, ids=lambda file: file.name)
def test_a_workflow_follows_its_schema(file: Path) -> None:
    """GitHub would refuse it at the first push."""
    done = subprocess.run(
        [str(TOOLS / "check-jsonschema"), "--builtin-schema", "vendor.github-workflows", str(file)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.skipif(not (TOOLS / "shellcheck").exists(), reason="run: make setup")
def test_scripts_have_no_mistakes_that_shellcheck_finds(tmp_path: Path) -> None:
    """Those of .ci and for Macs, and those inside the workflows."""
    scripts = [*sorted((ROOT / ".ci").iterdir()), *sorted((ROOT / "tests/darwin").glob("*.sh"))]
    for number, command in enumerate(steps()):
        script = tmp_path / f"step-{number}"
        script.write_text("#!/bin/bash\n" + re.sub(r"\$\{\{.*?\}\}", "X", command))
        scripts.append(script)
    line = [str(TOOLS / "shellcheck"), "--external-sources", *map(str, scripts)]
    done = subprocess.run(line, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)
    assert done.returncode == 0, done.stdout


def test_every_script_and_module_of_a_step_exists() -> None:
    places = r"(?:^|\s)((?:\.ci|tests/darwin)/\S+)"
    named = {path for command in steps() for path in re.findall(places, command)}
    modules = {name for command in steps() for name in re.findall(r"-m (release\.\w+)", command)}
    assert named and all((ROOT / path).is_file() for path in named)
    assert modules and all((ROOT / f"{name.replace('.', '/')}.py").is_file() for name in modules)


def test_on_a_mac_a_failed_step_hides_no_other() -> None:
    """Each step after the installation runs whatever the others did; the logs are always kept."""
    (job,) = loaded(".github/workflows/macos.yml")["jobs"].values()
    installed = next(at for at, step in enumerate(job["steps"]) if step.get("id") == "install")
    after = job["steps"][installed + 1 :]
    assert len(after) >= 10
    assert all(step["if"] == "always()" or "!cancelled()" in step["if"] for step in after)
    assert [step["if"] for step in after[-2:]] == ["always()", "always()"]
    assert all("timeout-minutes" in step for step in job["steps"] if "run" in step)


def test_the_job_for_macs_runs_the_tests_of_every_part() -> None:
    """Left out: those of tools, those that take long, and those that pretend to be a Mac."""
    left_out = {"benchmarks", "chaos", "darwin", "faults", "household", "packaging"}
    left_out |= {"release", "training", "upgrade"}
    job = (ROOT / ".github" / "workflows" / "macos.yml").read_text()
    directories = {file.parent.name for file in ROOT.glob("tests/*/__init__.py")}
    assert directories - left_out == set(re.findall(r"\btests/(\w+)\b(?!/)", job))


def test_the_job_for_macs_runs_what_no_other_test_shows() -> None:
    """Rows 8 and 9 of the faults of Macs: elsewhere the kernel does both."""
    job = (ROOT / ".github" / "workflows" / "macos.yml").read_text()
    assert set(re.findall(r"tests/darwin/(test_\w+\.py)", job)) == set(ON_REAL_MACS)


def test_the_job_for_macs_installs_what_its_tests_need() -> None:
    """The extras of `make setup`: the interactive mode was missing, and whole steps failed."""
    named = re.compile(r"-e '\.\[([a-z,]+)\]'")
    places = (ROOT / "Makefile", ROOT / ".ci" / "binaries-only")
    found = {tuple(one.split(",")) for file in places for one in named.findall(file.read_text())}
    assert found == {imports.INSTALLED}


def test_pythons_of_macs_are_supported() -> None:
    (job,) = loaded(".github/workflows/macos.yml")["jobs"].values()
    linux = loaded(".github/workflows/test.yml")["jobs"]["linux"]
    matrix = job["strategy"]["matrix"]
    assert set(matrix["python"]) < set(linux["strategy"]["matrix"]["python"])


def test_actions_run_on_the_node_that_runners_have() -> None:
    """GitHub removed Node 20 in September 2026; these are the first versions that use Node 24."""
    least = {"actions/checkout": 5, "actions/setup-python": 6, "actions/upload-artifact": 6}
    used = [
        use for file in WORKFLOWS for use in re.findall(r"uses: (\S+)@v(\d+)", file.read_text())
    ]
    assert {name for name, _ in used} == set(least)
    assert all(int(version) >= least[name] for name, version in used)


def test_a_broken_contract_of_imports_fails_the_linter(tmp_path: Path) -> None:
    """The exit code was that of `tail`."""
    (tmp_path / "bin").mkdir()
    for name, code in (("python", 0), ("ruff", 0), ("lint-imports", 1)):
        (tmp_path / "bin" / name).write_text(f"#!/bin/sh\necho Contracts: 1 broken.\nexit {code}\n")
        (tmp_path / "bin" / name).chmod(0o755)
    (tmp_path / ".photosd-ready").touch()
    line = ["make", "lint", f"VENV={tmp_path}"]
    done = subprocess.run(line, capture_output=True, text=True, cwd=ROOT, timeout=60, check=False)
    assert done.returncode != 0 and "1 broken" in done.stdout
    (tmp_path / "bin" / "lint-imports").write_text("#!/bin/sh\nexit 0\n")
    assert subprocess.run(line, capture_output=True, cwd=ROOT, timeout=60).returncode == 0


def test_types_are_checked_for_macs_too() -> None:
    makefile = (ROOT / "Makefile").read_text()
    rule = makefile[makefile.index("\ntypes:") :].partition("\n\n")[0]
    assert "--platform linux" in rule and "--platform darwin" in rule


def test_a_bug_comes_with_a_report() -> None:
    template = (ROOT / ".github" / "ISSUE_TEMPLATE" / "bug.yml").read_text()
    assert "photosd bugreport" in template and "photosd doctor" in template
