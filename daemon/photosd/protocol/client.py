"""A blocking client for any Python program: typed operations, every one with a time limit.

with Client() as photosd:
    for hit in photosd.query("sunset", limit=5)["hits"]:
        print(hit["path"])
"""

# mypy: disable-error-code="no-any-return"

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, cast

from photosd.core.errors import PhotosdError
from photosd.protocol import QUERY_DEADLINE_MS
from photosd.protocol.caller import Caller

if TYPE_CHECKING:
    from photosd.protocol import replies, reports, requests

CHECK_SECONDS, FORGET_SECONDS = 90.0, 180.0
ANSWER_SECONDS = 2.0  # beyond a query's own deadline, until the answer arrives


class Client(Caller):
    """Every operation, typed but not checked at run time. Each raises what `Caller` does."""

    def _ask(
        self, op: str, params: dict[str, Any] | None = None, timeout: float | None = None
    ) -> Any:
        """As `call`; each method names the type."""
        return self.call(op, params, timeout)

    def hello(self) -> reports.Hello:
        """Version and capabilities of the daemon."""
        return self._ask("hello")

    def query(
        self,
        text: str = "",
        limit: int | None = None,
        deadline_ms: int = QUERY_DEADLINE_MS,
        *,
        terms: Sequence[requests.Term] = (),
        where: requests.Where | None = None,
        every_copy: bool = False,
        others: bool = False,
        cursor: str | None = None,
        mode: str | None = None,
        asker: str = "person",
        literal: bool = False,
        without: Sequence[str] = (),
        sort: requests.Sort = "match",
    ) -> replies.QueryResult:
        """The photos nearest to a description, answered within ``deadline_ms``.

        ``terms`` are added or subtracted, ``where`` filters. ``every_copy``: copies of a photo are
        separate hits. ``others``: without the pictures in the query. ``cursor``: that of the
        previous answer, for the next page, only with ``limit``. ``mode``: local, hybrid or gemini,
        for this query. ``asker``: person, agent or page. ``literal``: no words of ``text`` become
        filters; ``without``: none of these kinds, ``date``, ``place``, ``person``. ``sort``: all
        good matches by ``date`` or, newest first, ``-date``.
        """
        params: dict[str, object] = {"text": text, "deadline_ms": deadline_ms}
        more: dict[str, object] = {
            "limit": limit,
            "terms": list(terms),
            "where": where,
            "cursor": cursor,
        }
        more |= {"mode": mode, "asker": None if asker == "person" else asker}
        more |= {"literal": literal, "without": list(without)}
        more |= {"sort": None if sort == "match" else sort}
        params |= {name: value for name, value in more.items() if value}
        params |= {name: True for name, on in (("all", every_copy), ("others", others)) if on}
        timeout = deadline_ms / 1000 + ANSWER_SECONDS
        return self._ask("query", params, timeout)

    def facets(
        self,
        text: str = "",
        *,
        where: requests.Where | None = None,
        kinds: Sequence[requests.FacetKind] = (),
        limit: int = 20,
        begins: str = "",
        deadline_ms: int = 3000,
    ) -> replies.FacetsResult:
        """Counts of photos by year, month, place and so on: of all, of those that pass ``where``,
        or of the good matches of ``text``.

        ``kinds``: which facets, by default all; ``limit``: values of each; ``begins``: only values
        that begin with it.
        """
        params = {"text": text, "where": where, "kinds": list(kinds), "limit": limit}
        params |= {"begins": begins, "deadline_ms": deadline_ms}
        return self._ask("facets", params, deadline_ms / 1000 + ANSWER_SECONDS)

    def status(self) -> reports.StatusResult:
        """The daemon's state."""
        return self._ask("status")

    def follow(self) -> Iterator[reports.StatusResult]:
        """The daemon's state now and after each change, until it stops; every five seconds at
        least.
        """
        return cast("Iterator[reports.StatusResult]", self.stream("follow", {"wait": True}))

    def add(
        self, path: bytes | str, exclude: Sequence[str] = (), cloud: bool | None = None
    ) -> replies.AddResult:
        """Watch a folder and everything below it; ``cloud``: whether its photos may be sent."""
        return self._ask("add", {**path_params(path), "exclude": list(exclude), "cloud": cloud})

    def remove(self, path: bytes | str) -> replies.RemoveResult:
        """Stop watching a folder; its photos leave the index."""
        return self._ask("remove", path_params(path))

    def folders(self) -> replies.FoldersResult:
        """Every watched folder."""
        return self._ask("folders")

    def accept(self, path: bytes | str) -> replies.AcceptResult:
        """Accept an offline folder as it is now; missing photos leave the index."""
        return self._ask("accept", path_params(path))

    def rescan(self, wait: bool = True) -> Iterator[replies.Progress]:
        """Compare every folder with the index; with ``wait``, yields progress until nothing is
        left.
        """
        return cast("Iterator[replies.Progress]", self.stream("rescan", {"wait": wait}))

    def reindex(self, path: bytes | str | None = None) -> replies.ReindexResult:
        """Read one photo, one folder or (None) everything again."""
        params = {} if path is None else path_params(path)
        return self._ask("reindex", params)

    def paths(self, state: str = "indexed") -> Iterator[list[replies.ListedPath]]:
        """Every known photo in that state ("" for all), a few hundred at a time."""
        for part in self.stream("list", {"state": state}):
            if "paths" in part:
                yield part["paths"]

    def show(self, path: bytes | str = "", *, content_id: str | None = None) -> replies.ShowResult:
        """Details of one path or content; raises NotFound with the reason."""
        return self._ask("show", _photo_params(path, content_id))

    def thumbnail(
        self,
        path: bytes | str = "",
        pixels: int = 320,
        height: int | None = None,
        form: str = "jpeg",
        deadline_ms: int = 10_000,
        *,
        content_id: str | None = None,
    ) -> replies.ThumbnailResult:
        """A small copy of a photo: a JPEG or, for ``rgb``, height x width x 3 bytes, in base64."""
        size = {"pixels": pixels, "height": height, "form": form, "deadline_ms": deadline_ms}
        timeout = deadline_ms / 1000 + ANSWER_SECONDS
        return self._ask("thumbnail", {**_photo_params(path, content_id), **size}, timeout)

    def thumbnails(
        self,
        photos: Iterable[bytes | str],
        pixels: int = 320,
        height: int | None = None,
        form: str = "jpeg",
        deadline_ms: int = 30_000,
    ) -> Iterator[replies.ThumbnailResult | PhotosdError]:
        """Small copies of many photos, in order, or an error for each that failed."""
        size = {"pixels": pixels, "height": height, "form": form, "deadline_ms": deadline_ms}
        each = ({**path_params(photo), **size} for photo in photos)
        found = self.calls("thumbnail", each, deadline_ms / 1000 + ANSWER_SECONDS)
        return cast("Iterator[replies.ThumbnailResult | PhotosdError]", found)

    def duplicates(
        self, below: bytes | str | None = None, near: bool = False
    ) -> Iterator[replies.DuplicatesProgress]:
        """Groups of copies, as they are found; with ``near`` also of photos that look alike."""
        params = {} if below is None else path_params(below)
        for part in self.stream("duplicates", {**params, "near": near}):
            if "looked_at" in part:
                yield cast("replies.DuplicatesProgress", part)

    def failures(self, retry: bool = False) -> replies.FailuresResult:
        """Photos that could not be indexed; with ``retry`` they are retried."""
        return self._ask("failures", {"retry": retry})

    def purge(self, queries: bool = False) -> replies.PurgeResult:
        """Forget deleted photos and their vectors now; or cached queries."""
        return self._ask("purge", {"queries": queries}, FORGET_SECONDS)

    def pause(self, seconds: float | None = None) -> replies.PauseResult:
        """Pause indexing for a while, or until resumed."""
        return self._ask("pause", {"seconds": seconds})

    def resume(self) -> replies.PauseResult:
        """Resume indexing."""
        return self._ask("resume")

    def config(self) -> reports.ConfigResult:
        """Every setting."""
        return self._ask("config")

    def config_set(self, name: str, value: str) -> reports.ConfigSetResult:
        """Change a setting at once; the value as text."""
        return self._ask("config_set", {"name": name, "value": value})

    def model(self, estimate: str | None = None) -> reports.ModelResult:
        """The model in use, and the cost of switching to another."""
        return self._ask("model", {"estimate": estimate})

    def standing_add(
        self,
        text: str,
        kind: str = "stream",
        *,
        argv: Sequence[str] = (),
        directory: bytes | str | None = None,
        below: bytes | str | None = None,
    ) -> replies.StandingAddResult:
        """Save an alert for new photos that match ``text``.

        ``kind``: ``exec`` (with ``argv``), ``link`` (with ``directory``), ``notify``, or
        ``stream``, which is read with `subscribe`. ``below``: only photos in that directory.
        """
        params: dict[str, Any] = {"text": text, "kind": kind, "argv": list(argv)}
        for name, path in (("directory", directory), ("below", below)):
            for key, value in ({} if path is None else path_params(path)).items():
                params[key.replace("path", name)] = value
        return self._ask("standing_add", params)

    def standing(self) -> replies.StandingResult:
        """Every alert."""
        return self._ask("standing")

    def standing_remove(self, number: int) -> replies.StandingRemoveResult:
        """Remove an alert; links of an album are removed."""
        return self._ask("standing_remove", {"id": number})

    def subscribe(
        self, number: int, after: int | None = None, wait: bool = True
    ) -> Iterator[replies.StandingMatch]:
        """Matches of one alert, without end if ``wait``.

        Starts after the cursor ``after``, or (None) after the last acknowledged match.
        """
        for part in self.stream("subscribe", {"id": number, "after": after, "wait": wait}):
            if "match" in part:
                yield part["match"]

    def acknowledge(self, number: int, cursor: int) -> replies.AcknowledgeResult:
        """Mark matches up to this cursor as handled. Not on a connection that subscribes."""
        return self._ask("acknowledge", {"id": number, "cursor": cursor})

    def cloud_status(self) -> reports.CloudReport:
        """State of the cloud, and its cost."""
        return self._ask("cloud_status")

    def cloud_terms(self, mode: str, agents: bool = False) -> reports.CloudTermsResult:
        """The terms to agree to before ``mode`` is enabled, with or without agents."""
        return self._ask("cloud_terms", {"mode": mode, "agents": agents})

    def cloud_enable(self, mode: str, digest: str, agents: bool = False) -> reports.CloudReport:
        """Agree to the terms with that digest, as the user does after reading them."""
        return self._ask("cloud_enable", {"mode": mode, "digest": digest, "agents": agents})

    def cloud_disable(self) -> reports.CloudReport:
        """Withdraw consent and stop sending."""
        return self._ask("cloud_disable")

    def cloud_forget(self) -> reports.CloudForgetResult:
        """Withdraw consent and delete all data from the cloud."""
        return self._ask("cloud_forget", timeout=FORGET_SECONDS)

    def cloud_log(self, limit: int = 100) -> reports.CloudLogResult:
        """The last calls, newest first."""
        return self._ask("cloud_log", {"limit": limit})

    def cloud_preview(self, path: bytes | str) -> reports.CloudPreviewResult:
        """The bytes that would be sent of a photo; sends nothing."""
        return self._ask("cloud_preview", path_params(path))

    def cloud_check(self) -> reports.CloudCheckResult:
        """Test the cloud with sample words and a sample picture; needs consent."""
        return self._ask("cloud_check", timeout=CHECK_SECONDS)

    def self_check(self) -> reports.SelfCheckResult:
        """Test what a query needs."""
        return self._ask("self_check")

    def stop(self) -> reports.StopResult:
        """Stop the daemon."""
        return self._ask("stop")


def _photo_params(path: bytes | str, content_id: str | None) -> dict[str, Any]:
    return {"content_id": content_id} if content_id else dict(path_params(path))


def path_params(path: bytes | str) -> dict[str, str]:
    """A path as parameters; bytes that are not UTF-8 are sent in ``path_b64``."""
    from photosd.protocol.paths import path_fields  # needs base64; not for every `photosd query`

    return cast("dict[str, str]", path_fields(os.fsencode(path)))
