"""What is raised where a line is not understood; it never leaves the grammar."""

from __future__ import annotations


class Unread(Exception):
    """Words of a line that are not understood."""

    def __init__(
        self,
        at: int,
        hint: str,
        *,
        count: int = 1,
        instead: tuple[str, ...] = (),
        quote: bool = True,
        drop: bool = True,
    ) -> None:
        super().__init__(hint)
        #: The first of them, and how many.
        self.at = at
        self.count = count
        #: What was not understood and what to write, in one or two sentences.
        self.hint = hint
        #: Lines that may have been meant, before any that can be made of the words themselves.
        self.instead = instead
        #: Whether the line with these words in quotes, or without them, may have been meant.
        self.may_quote = quote
        self.may_drop = drop
