"""The interactive mode in plain lines, for screen readers and simple terminals."""

from __future__ import annotations

import os
import re
import sys
from typing import TYPE_CHECKING

from photosd.core.errors import BadRequest, PhotosdError
from photosd_cli import console, openers, paths, query_output
from photosd_cli.query_output import QueryOptions
from photosd_cli.tui.asking import Daemon, Question, advice
from photosd_cli.tui.facts import facts

if TYPE_CHECKING:
    from photosd.protocol.replies import Hit

ROWS = 10
NUMBER = re.compile(r"\d{1,20}", re.ASCII)  # of a photo; Python reads 4300 digits
HELP = (
    "Type words to search. For photo 2: 2 opens it, s 2 finds similar ones, y 2 copies its path,"
    " d 2 tells details. w lists weak matches, q or an empty line ends."
)


class Lines:
    """One question or command per line."""

    def __init__(self) -> None:
        self._daemon = Daemon()
        self._hits: list[Hit] = []
        self._good = 0  # how many of them, the first ones, are good matches

    def run(self, words: str) -> None:
        """Ask and answer until the input ends."""
        console.note(HELP, "")
        if words:
            self._do(words)
        while True:
            console.out("search: ", end="")
            console.flush()
            line = sys.stdin.readline()
            if not line.strip() or line.strip() == "q":
                break
            try:
                self._do(line.strip())
            except PhotosdError as error:
                console.note(advice(error), "")
        self._daemon.close()

    def _do(self, line: str) -> None:
        command, _, number = line.partition(" ")
        if NUMBER.fullmatch(line):
            openers.open_files([self._path(line)])
        elif line == "w":
            self._list(self._hits[self._good :], self._good + 1)
        elif command in ("s", "y", "d") and NUMBER.fullmatch(number):
            path = self._path(number)
            if command == "s":
                self._ask(Question("", (path,)))
            elif command == "y":
                openers.copy_text(path)
                console.out(f"copied {os.fsdecode(path)}")
            else:
                with self._daemon.client() as client:
                    for fact in facts(client.show(path), detailed=True):
                        console.out(fact)
        else:
            self._ask(Question(line))

    def _ask(self, question: Question) -> None:
        result = self._daemon.ask(question)
        good = [hit for hit in result["hits"] if hit["strength"] != "weak"]
        weak = [hit for hit in result["hits"] if hit["strength"] == "weak"]
        good = good if result["convincing"] else []
        self._hits, self._good = [*good, *weak], len(good)
        console.out(
            query_output.summary(result, len(good)) if good else query_output.no_matches(result)
        )
        self._list(good)

    def _list(self, hits: list[Hit], first: int = 1) -> None:
        for row in query_output.table(hits[:ROWS], QueryOptions(hyperlink="never"), first):
            console.out(row)

    def _path(self, number: str) -> bytes:
        if 1 <= int(number) <= len(self._hits):
            return paths.raw(self._hits[int(number) - 1])
        raise BadRequest(f"no photo has the number {number}", remedy="search first")
