"""Version and changelog of a release."""

from __future__ import annotations

from datetime import date

import pytest

from release.version import Refused, dated, raised
from tests.conftest import ROOT

MODULE = '"""photosd."""\n\n__version__ = "0.9.1"\n'
DAY = date(2027, 1, 2)


def test_a_version_is_raised() -> None:
    assert raised(MODULE, "0.10.0") == MODULE.replace("0.9.1", "0.10.0")


@pytest.mark.parametrize("version", ["0.9.1", "0.9.0", "0.8.9", "", "1.0", "v1.0.0", "1.0.0rc1"])
def test_what_is_no_newer_version_is_refused(version: str) -> None:
    with pytest.raises(Refused):
        raised(MODULE, version)


def test_the_changelog_gets_a_heading_with_a_day() -> None:
    """What was unreleased is under it; the next change has its place above."""
    before = "# Changelog\n\n## [Unreleased]\n\n### Added\n\n- This.\n\n## [0.1.0]\n\n- That.\n"
    after = "# Changelog\n\n## [Unreleased]\n\n## [0.2.0] - 2027-01-02\n\n### Added\n\n- This.\n"
    assert dated(before, "0.2.0", DAY) == after + "\n## [0.1.0]\n\n- That.\n"


def test_a_release_without_changes_is_refused() -> None:
    with pytest.raises(Refused, match="say what is new"):
        dated("# Changelog\n\n## [Unreleased]\n\n## [0.1.0]\n\n- That.\n", "0.2.0", DAY)


def test_ours_can_be_released() -> None:
    """Both files are as these functions expect them."""
    module = (ROOT / "daemon/photosd/__init__.py").read_text()
    assert '"9999.0.0"' in raised(module, "9999.0.0")
    assert "[9999.0.0] - 2027-01-02" in dated((ROOT / "CHANGELOG.md").read_text(), "9999.0.0", DAY)
