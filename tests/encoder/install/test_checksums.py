"""Every file that is pulled has a SHA-256 it has to have: announced, or recorded at first use."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from urllib.parse import urlparse

import huggingface_hub
import pytest

from photosd.core.errors import DownloadFailed
from photosd.encoder.install.hub import Checksums, Hub, HubFile, digests
from photosd.encoder.install.model_spec import InstallOrder
from photosd.encoder.install.pulling import pull
from tests.encoder.install.stub_hub import StubHub

REPOSITORY, NAME = "publisher/model", "open_clip_model.safetensors"
SIZE = 300_000
ETAGS = ["sha256", "git", "W/a-mirror's/own", None]


@pytest.fixture
def stub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StubHub]:
    stub = StubHub()
    file = tmp_path / "published"
    file.write_bytes(os.urandom(SIZE))
    stub.files[f"{REPOSITORY}/{NAME}"] = file
    from huggingface_hub import constants

    monkeypatch.setattr(constants, "ENDPOINT", stub.url)
    monkeypatch.setattr(
        constants,
        "HUGGINGFACE_CO_URL_TEMPLATE",
        stub.url + "/{repo_id}/resolve/{revision}/{filename}",
    )
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    yield stub
    stub.close()


def look(hub: Hub) -> HubFile:
    remote = hub.look(REPOSITORY, (NAME,))
    assert remote is not None
    return remote


def download(models: Path, directory: str = ".pull-a") -> Path:
    hub = Hub()
    return hub.download(look(hub), models / directory, lambda *_: None, Checksums(models))


def asked(stub: StubHub) -> int:
    return sum(method == "GET" for method, _, _ in stub.requests)


@pytest.mark.parametrize("etag", ETAGS)
def test_a_download_is_what_was_published(stub: StubHub, tmp_path: Path, etag: str | None) -> None:
    """With any kind of etag; only what the hub does not announce is recorded."""
    stub.etag = etag
    target = download(tmp_path / "models")
    published = stub.files[f"{REPOSITORY}/{NAME}"]
    assert target.read_bytes() == published.read_bytes()
    recorded = Checksums(tmp_path / "models").known(f"{REPOSITORY}/{NAME}")
    assert recorded == (None if etag == "sha256" else digests(published)[0])


@pytest.mark.parametrize("etag", ["sha256", "git"])
def test_wrong_bytes_of_the_right_size_are_refused(
    stub: StubHub, tmp_path: Path, etag: str
) -> None:
    stub.etag, stub.falsify = etag, True
    with pytest.raises(DownloadFailed, match="not the announced one"):
        download(tmp_path / "models")
    assert not list((tmp_path / "models").glob("*/*"))
    assert not Checksums(tmp_path / "models").file.exists()


@pytest.mark.parametrize("etag", ETAGS[1:])
def test_another_file_under_the_same_name_is_refused(
    stub: StubHub, tmp_path: Path, etag: str | None
) -> None:
    """The hash of the first use counts, also when another model needs the file."""
    stub.etag = etag
    first = download(tmp_path / "models")
    stub.files[f"{REPOSITORY}/{NAME}"].write_bytes(os.urandom(SIZE))
    for directory in (".pull-a", ".pull-b"):
        first.unlink(missing_ok=True)
        with pytest.raises(DownloadFailed, match="not the file that was pulled before") as failed:
            download(tmp_path / "models", directory)
    assert str(Checksums(tmp_path / "models").file) in (failed.value.remedy or "")
    Checksums(tmp_path / "models").file.unlink()
    download(tmp_path / "models")  # the remedy helps


@pytest.mark.parametrize("etag", ETAGS)
def test_a_tampered_file_already_there_is_replaced(
    stub: StubHub, tmp_path: Path, etag: str | None
) -> None:
    """Its size alone says nothing; an intact one is not asked for again."""
    stub.etag = etag
    target = download(tmp_path / "models")
    right = target.read_bytes()
    before = asked(stub)
    assert download(tmp_path / "models").read_bytes() == right
    assert asked(stub) == before
    target.write_bytes(bytes(SIZE))
    assert download(tmp_path / "models").read_bytes() == right


@pytest.mark.parametrize("etag", ETAGS[1:])
def test_a_file_of_unknown_origin_is_not_trusted(
    stub: StubHub, tmp_path: Path, etag: str | None
) -> None:
    """A file is there, without a recorded hash: the hub's file replaces it."""
    stub.etag = etag
    (tmp_path / "models" / ".pull-a").mkdir(parents=True)
    (tmp_path / "models" / ".pull-a" / NAME).write_bytes(bytes(SIZE))
    published = stub.files[f"{REPOSITORY}/{NAME}"].read_bytes()
    assert download(tmp_path / "models").read_bytes() == published


@pytest.mark.parametrize("etag", ["sha256", "git"])
def test_a_resumed_download_is_checked_from_its_first_byte(
    stub: StubHub, tmp_path: Path, etag: str
) -> None:
    stub.etag = etag
    mark = look(Hub()).etag[:16]
    part = tmp_path / "models" / ".pull-a" / f"{NAME}.{mark}.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(bytes(SIZE // 2))
    with pytest.raises(DownloadFailed, match="not the announced one"):
        download(tmp_path / "models")
    assert not part.exists()
    published = stub.files[f"{REPOSITORY}/{NAME}"].read_bytes()
    assert download(tmp_path / "models").read_bytes() == published


def test_what_has_no_version_is_not_resumed(stub: StubHub, tmp_path: Path) -> None:
    """Half of one version and half of another would be recorded as the right file."""
    stub.etag = None
    part = tmp_path / "models" / ".pull-a" / f"{NAME}.unmarked.part"
    part.parent.mkdir(parents=True)
    part.write_bytes(bytes(SIZE // 2))
    published = stub.files[f"{REPOSITORY}/{NAME}"].read_bytes()
    assert download(tmp_path / "models").read_bytes() == published


@pytest.mark.parametrize("place", ["https://cdn.example/x", "https://{hub}/x"])
def test_a_token_goes_to_the_hub_alone(
    stub: StubHub, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    """Not to the host that a redirection names, nor to the hub in another way than it was asked."""
    monkeypatch.setenv("HF_TOKEN", "hf_secret")
    hub = Hub()
    assert "hf_secret" in str(look(hub).headers)
    really = huggingface_hub.get_hf_file_metadata

    def elsewhere(url: str, timeout: float) -> object:
        found = really(url, timeout=timeout)
        location = place.format(hub=urlparse(url).netloc)
        return SimpleNamespace(size=found.size, etag=found.etag, location=location)

    monkeypatch.setattr(huggingface_hub, "get_hf_file_metadata", elsewhere)
    assert "hf_secret" not in str(look(hub).headers)


@pytest.mark.parametrize("etag", ETAGS)
def test_what_is_not_announced_is_said(
    stub: StubHub, tmp_path: Path, etag: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Before anything is downloaded: which file, and where its hash is recorded."""
    stub.etag = etag
    warnings: list[str] = []
    monkeypatch.setattr(
        "photosd.encoder.install.pulling.weights_of", lambda _: (REPOSITORY, (NAME,))
    )
    monkeypatch.setattr("photosd.encoder.install.installing.install", lambda *_: ("spec", None))
    order = InstallOrder(models=str(tmp_path / "models"), name="a", arch="ViT-B-32", tag="a")
    pull(order, lambda _: None, lambda *_: None, warnings.append)
    if etag == "sha256":
        assert warnings == []
    else:
        assert len(warnings) == 1 and NAME in warnings[0] and "downloads.sha256" in warnings[0]


def test_lines_of_the_record_are_those_of_sha256sum(tmp_path: Path) -> None:
    """The first line of a file counts; what is no such line does not."""
    checksums = Checksums(tmp_path)
    checksums.record("a/b c.json", "1" * 64)
    with checksums.file.open("a") as stream:
        stream.write("# mine\nnonsense\n")
    checksums.record("a/b c.json", "2" * 64)
    assert checksums.known("a/b c.json") == "1" * 64
    assert checksums.known("a/other") is None
    assert checksums.file.stat().st_mode & 0o777 == 0o600
