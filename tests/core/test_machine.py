"""Memory and cores this process may use: control groups of both versions, cpusets, the host."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from photosd.core import machine
from photosd.core.machine import Host
from tests.conftest import ROOT

GB, MB = 1 << 30, 1 << 20
NONE = 0x7FFFFFFFFFFFF000  # what version 1 says without a limit
HOST = Host(memory=64 * GB, available=40 * GB, cores=32)
V2 = "30 24 0:27 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n"
V1 = "".join(
    f"3{n} 24 0:3{n} {{root}} /sys/fs/cgroup/{name} rw - cgroup cgroup rw,{name}\n"
    for n, name in enumerate(("memory", "cpu,cpuacct", "cpuset"))
)
CG, MEM, CPU = "sys/fs/cgroup/", "sys/fs/cgroup/memory/", "sys/fs/cgroup/cpu,cpuacct/"


def old(path: str, root: str = "/") -> tuple[str, str]:
    """/proc/self/cgroup and mountinfo of version 1."""
    names = ("memory", "cpu,cpuacct", "cpuset")
    lines = "".join(f"{n}:{name}:{path}\n" for n, name in enumerate(names, 2))
    return lines + "1:name=systemd:/x\n", V1.format(root=root)


@dataclass
class Case:
    """A tree of /proc and /sys, and what it comes to (None: the host's)."""

    name: str
    own: str = "0::/\n"
    mounts: str = V2
    files: dict[str, str | int] = field(default_factory=dict)
    memory: int | None = None
    available: int | None = None
    cores: int | None = None


USED = "inactive_file {0}\nactive_file {1}\nslab_reclaimable {2}\nfile_dirty {3}\nanon 5\n"
CASES = [
    Case("nothing at all (macOS)", own="", mounts=""),
    Case(
        "version 2 without limits", files={CG + "memory.max": "max", CG + "cpu.max": "max 100000"}
    ),
    Case("a container of 2 GB", files={CG + "memory.max": 2 * GB}, memory=2 * GB, available=2 * GB),
    Case(
        "of which 1.5 GB are used",
        files={CG + "memory.max": 2 * GB, CG + "memory.current": 1536 * MB},
        memory=2 * GB,
        available=512 * MB,
    ),
    Case(
        "of which 1 GB are caches",
        files={
            CG + "memory.max": 2 * GB,
            CG + "memory.current": 1536 * MB,
            CG + "memory.stat": USED.format(512 * MB, 256 * MB, 256 * MB, 0),
        },
        memory=2 * GB,
        available=1536 * MB,
    ),
    Case(
        "some of them not yet written",
        files={
            CG + "memory.max": 2 * GB,
            CG + "memory.current": 1536 * MB,
            CG + "memory.stat": USED.format(512 * MB, 256 * MB, 256 * MB, 100 * MB),
        },
        memory=2 * GB,
        available=1436 * MB,
    ),
    Case(
        "more used than allowed",
        files={CG + "memory.max": GB, CG + "memory.current": 2 * GB},
        memory=GB,
        available=0,
    ),
    Case(
        "held back above memory.high",
        files={CG + "memory.max": 4 * GB, CG + "memory.high": 3 * GB, CG + "memory.current": GB},
        memory=3 * GB,
        available=2 * GB,
    ),
    Case(
        "memory.high alone",
        files={CG + "memory.max": "max", CG + "memory.high": 3 * GB},
        memory=3 * GB,
        available=3 * GB,
    ),
    Case(
        "swap does not count",
        files={CG + "memory.max": GB, CG + "memory.swap.max": 8 * GB},
        memory=GB,
        available=GB,
    ),
    Case("more than there is", files={CG + "memory.max": 100 * GB}),
    Case(
        "a service in a slice: its own limit",
        own="0::/user.slice/photosd.service\n",
        files={
            CG + "user.slice/memory.max": "max",
            CG + "user.slice/photosd.service/memory.max": GB,
        },
        memory=GB,
        available=GB,
    ),
    Case(
        "the slice's limit, which others use too",
        own="0::/user.slice/photosd.service\n",
        files={
            CG + "user.slice/memory.max": 4 * GB,
            CG + "user.slice/memory.current": 3 * GB,
            CG + "user.slice/photosd.service/memory.max": 2 * GB,
            CG + "user.slice/photosd.service/memory.current": 100 * MB,
        },
        memory=2 * GB,
        available=GB,
    ),
    Case(
        "three levels up",
        own="0::/a/b/c/d\n",
        files={CG + "a/memory.max": GB, CG + "a/cpu.max": "300000 100000"},
        memory=GB,
        available=GB,
        cores=3,
    ),
    Case("two cores of 32", files={CG + "cpu.max": "200000 100000"}, cores=2),
    Case("one and a half count as two", files={CG + "cpu.max": "150000 100000"}, cores=2),
    Case("a tenth counts as one", files={CG + "cpu.max": "10000 100000"}, cores=1),
    Case("another period", files={CG + "cpu.max": "100000 50000"}, cores=2),
    Case("no period", files={CG + "cpu.max": "400000"}, cores=4),
    Case("more cores than there are", files={CG + "cpu.max": "9900000 100000"}),
    Case("a cpuset", files={CG + "cpuset.cpus.effective": "0-3,8,10-11"}, cores=7),
    Case(
        "quota and cpuset, and levels",
        own="0::/a/b\n",
        files={
            CG + "a/cpu.max": "600000 100000",
            CG + "a/b/cpu.max": "max 100000",
            CG + "a/b/cpuset.cpus.effective": "0-4",
        },
        cores=5,
    ),
    Case(
        "garbage is no limit",
        files={
            CG + "memory.max": "many",
            CG + "memory.high": "",
            CG + "cpu.max": "x y",
            CG + "cpuset.cpus.effective": "a-b",
            CG + "memory.stat": "inactive_file\nx y z\n",
        },
    ),
    Case("a period of nothing", files={CG + "cpu.max": "100000 0"}),
    Case(
        "another namespace's name",
        own="0::/../other\n",
        files={CG + "memory.max": GB, CG + "other/memory.max": 2 * GB},
        memory=GB,
        available=GB,
    ),
    Case(
        "only a part is mounted, without a namespace",
        own="0::/docker/abc/worker\n",
        mounts="30 24 0:27 /docker/abc /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
        files={CG + "worker/memory.max": 2 * GB, CG + "memory.max": 3 * GB},
        memory=2 * GB,
        available=2 * GB,
    ),
    Case(
        "mounted elsewhere, under an odd name",
        mounts="30 24 0:27 / /run/my\\040groups rw - cgroup2 cgroup2 rw\n",
        files={"run/my groups/memory.max": GB},
        memory=GB,
        available=GB,
    ),
    Case(
        "version 1 without limits",
        *old("/docker/abc"),
        files={
            MEM + "docker/abc/memory.limit_in_bytes": NONE,
            CPU + "docker/abc/cpu.cfs_quota_us": -1,
            CPU + "docker/abc/cpu.cfs_period_us": 100000,
        },
    ),
    Case(
        "version 1: memory and its caches",
        *old("/docker/abc"),
        files={
            MEM + "docker/abc/memory.limit_in_bytes": 2 * GB,
            MEM + "docker/abc/memory.usage_in_bytes": 2 * GB,
            MEM + "docker/abc/memory.stat": f"inactive_file 1\ntotal_inactive_file {GB}\n"
            f"total_active_file {256 * MB}\ntotal_dirty {MB}\n",
        },
        memory=2 * GB,
        available=1280 * MB - MB,
    ),
    Case(
        "version 1: a group above, in sight",
        *old("/kubepods/pod1/abc"),
        files={
            MEM + "kubepods/pod1/memory.limit_in_bytes": GB,
            MEM + "kubepods/pod1/abc/memory.limit_in_bytes": NONE,
            CPU + "kubepods/pod1/cpu.cfs_quota_us": 250000,
            CPU + "kubepods/pod1/cpu.cfs_period_us": 100000,
        },
        memory=GB,
        available=GB,
        cores=3,
    ),
    Case(
        "version 1: a group above, out of sight",
        *old("/docker/abc", root="/docker/abc"),
        files={
            MEM + "memory.limit_in_bytes": NONE,
            MEM + "memory.stat": f"hierarchical_memory_limit {GB}\n",
        },
        memory=GB,
        available=GB,
    ),
    Case(
        "version 1: names of the host where only ours is mounted",
        *old("/docker/abc", root="/docker/abc"),
        files={MEM + "memory.limit_in_bytes": GB, CPU + "cpu.cfs_quota_us": 100000},
        memory=GB,
        available=GB,
    ),
    Case(
        "version 1: a cpuset",
        *old("/x"),
        files={CG + "cpuset/x/cpuset.cpus": "0-3", CG + "cpuset/x/cpuset.effective_cpus": "0-1"},
        cores=2,
    ),
    Case(
        "both versions at once: each has its say",
        own=old("/x")[0] + "0::/y\n",
        mounts=old("/x")[1] + "40 24 0:40 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
        files={
            MEM + "x/memory.limit_in_bytes": 2 * GB,
            CPU + "x/cpu.cfs_quota_us": 300000,
            CPU + "x/cpu.cfs_period_us": 100000,
            CG + "unified/y/memory.max": "max",
        },
        memory=2 * GB,
        available=2 * GB,
        cores=3,
    ),
    Case(
        "the group is gone",
        own="0::/deleted (deleted)\n",
        files={CG + "memory.max": "max"},
    ),
    Case("odd lines", own="\nx\n0:\n", mounts="\n1 2 3\n- cgroup2\n" + V2),
]


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_what_this_process_may_use(case: Case, tmp_path: Path) -> None:
    """Limits of all parent groups count; the result never exceeds the machine's."""
    files: dict[str, str | int] = {
        "proc/self/cgroup": case.own,
        "proc/self/mountinfo": "23 1 8:1 / / rw - ext4 /dev/sda1 rw\n" + case.mounts,
        **case.files,
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(f"{text}\n")
    expected_memory = HOST.memory if case.memory is None else case.memory
    expected_free = HOST.available if case.available is None else case.available
    assert machine.memory(tmp_path, HOST) == expected_memory
    assert machine.available(tmp_path, HOST) == expected_free
    assert machine.cores(tmp_path, HOST) == (case.cores or HOST.cores)
    grouped = "container" in machine.more_memory(tmp_path, HOST)
    assert grouped == (expected_free < HOST.available)


def test_the_host_has_the_last_word(tmp_path: Path) -> None:
    """A group may be allowed what others have taken; affinity may be narrower than a quota."""
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("0::/\n")
    (tmp_path / "proc/self/mountinfo").write_text(V2)
    (tmp_path / CG).mkdir(parents=True)
    (tmp_path / CG / "memory.max").write_text(str(4 * GB))
    (tmp_path / CG / "cpu.max").write_text("400000 100000")
    small = Host(memory=8 * GB, available=GB, cores=2)
    assert machine.available(tmp_path, small) == GB
    assert machine.cores(tmp_path, small) == 2
    assert machine.more_memory(tmp_path, small) == "close other programs"


@pytest.mark.parametrize("name", [b"Fot\xf6s", b"a\rb", b"a\x0cb", "a\u2028b".encode()])
def test_a_mount_of_an_odd_name_hides_no_limit(tmp_path: Path, name: bytes) -> None:
    """A camera's card, labelled on another system: limits of the container hold all the same."""
    (tmp_path / "proc/self").mkdir(parents=True)
    (tmp_path / "proc/self/cgroup").write_text("0::/\n")
    card = b"24 1 8:1 / /media/" + name + b" rw - vfat /dev/sdb1 rw\n"
    (tmp_path / "proc/self/mountinfo").write_bytes(card + V2.encode())
    (tmp_path / CG).mkdir(parents=True)
    (tmp_path / CG / "memory.max").write_text(str(GB))
    assert machine.memory(tmp_path, HOST) == GB


def test_here(monkeypatch: pytest.MonkeyPatch) -> None:
    """On this machine the answers are possible ones; where nothing limits cores, affinity does."""
    host = Host.ask()
    assert 0 < machine.available() <= machine.memory() <= host.memory
    assert 1 <= machine.cores() <= host.cores
    if sys.platform == "linux":
        monkeypatch.setattr("os.sched_getaffinity", lambda _: {0})
        assert machine.cores() == 1
    monkeypatch.delattr("os.sched_getaffinity", raising=False)
    monkeypatch.setattr("os.cpu_count", lambda: None)
    assert machine.cores() == 1


def test_no_other_module_does_it_itself() -> None:
    """All code asks one function, because the host's number is wrong in a container."""
    asks = r"cpu_count\(\)|virtual_memory\(|sched_getaffinity|/sys/fs/cgroup|proc/self/cgroup"
    found = [
        f"{file.relative_to(ROOT)}: {line.strip()}"
        for place in ("daemon", "cli")
        for file in sorted((ROOT / place).rglob("*.py"))
        if file != Path(machine.__file__)
        for line in file.read_text().splitlines()
        if re.search(asks, line)
    ]
    assert found == []
