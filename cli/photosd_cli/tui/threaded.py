"""An application whose threads report to it, and whose bottom line tells what happened."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from textual import on
from textual.app import App
from textual.message import Message
from textual.widgets import Static


class Called(Message):
    """A function to call in the application's thread."""

    def __init__(self, function: Callable[..., None], arguments: tuple[Any, ...]) -> None:
        super().__init__()
        self.function, self.arguments = function, arguments


class Threaded(App[None]):
    """Threads ask the daemon; what they find is shown by the application's own thread."""

    def in_thread(self, work: Callable[[], None]) -> None:
        """Run it in a thread that does not delay the end of the application."""
        threading.Thread(target=work, daemon=True).start()

    def call(self, function: Callable[..., None], *arguments: Any) -> None:
        """Call from a thread of ours, soon."""
        self.post_message(Called(function, arguments))

    @on(Called)
    def called(self, message: Called) -> None:
        """What a thread has found."""
        if self.query("#told"):  # not while the application ends
            message.function(*message.arguments)

    def tell_wrong(self, words: str) -> None:
        """Tell what failed."""
        self.tell(words, wrong=True)

    def tell(self, words: str, *, wrong: bool = False) -> None:
        """Show what happened, below the photos."""
        told = self.query_one("#told", Static)
        told.set_class(wrong, "wrong")
        told.update(words)
