"""A bot's answers, read as Teams reads them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_UNKNOWN = "Teams does not understand the bot's answer."


@dataclass(frozen=True, kw_only=True)
class Result:
    """What a click or a line came to. `kind`: card, dialog, message, error or none.

    `status` is HTTP's, 0 for no answer; `bytes` is the size of the answer's body.
    """

    kind: str
    status: int
    milliseconds: float
    bytes: int
    card: Mapping[str, Any] | None = None
    title: str = ""
    text: str = ""
    height: str | int | None = None
    width: str | int | None = None

    def to_json(self) -> dict[str, Any]:
        """Return all fields by name."""
        return dict(vars(self))


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A bot's answer as it came; `problem` says why there is none."""

    status: int
    body: bytes
    milliseconds: float
    problem: str = ""

    @property
    def json(self) -> Any:
        try:
            return json.loads(self.body) if self.body else None
        except (ValueError, RecursionError):
            return None

    def result(self, kind: str, **fields: Any) -> Result:
        return Result(
            kind=kind,
            status=self.status,
            milliseconds=round(self.milliseconds, 1),
            bytes=len(self.body),
            **fields,
        )

    def error(self, text: str) -> Result:
        return self.result("error", text=text)


def _failure(answer: Answer) -> str:
    """Return why Teams would show "Something went wrong"; "" for an answer that can be read on."""
    if answer.problem:
        return answer.problem
    return "" if answer.status in {200, 201, 202} else f"The bot answered {answer.status}."


def of_message(answer: Answer) -> Result:
    failure = _failure(answer)
    return answer.error(failure) if failure else answer.result("none")


def of_card_action(answer: Answer) -> Result:
    """Read an `adaptiveCard/action` answer: `{"statusCode", "type", "value"}`."""
    failure = _failure(answer)
    if failure:
        return answer.error(failure)
    body = answer.json
    if not isinstance(body, dict):
        return answer.error("The bot's answer is not a JSON object.")
    value = body.get("value")
    match body.get("type"):
        case "application/vnd.microsoft.card.adaptive" if isinstance(value, dict):
            return answer.result("card", card=value)
        case "application/vnd.microsoft.activity.message" if isinstance(value, str):
            return answer.result("message", text=value)
        case "application/vnd.microsoft.error" if isinstance(value, dict):
            return answer.error(str(value.get("message", "The bot answered with an error.")))
        case _:
            return answer.error(_UNKNOWN)


def of_task(answer: Answer, *, opening: bool) -> Result:
    """Read a `task/fetch` (`opening`) or `task/submit` answer: a dialog, a text, or nothing, which closes it."""
    failure = _failure(answer)
    if failure:
        return answer.error(failure)
    body = answer.json
    task = body.get("task") if isinstance(body, dict) else None
    if not isinstance(task, dict):
        closed = not opening and (not answer.body or body == {})
        return answer.result("none") if closed else answer.error(_UNKNOWN)
    value = task.get("value")
    if task.get("type") == "message":
        return answer.result("message", text=str(value))
    attachment = value.get("card") if isinstance(value, dict) else None
    card = attachment.get("content") if isinstance(attachment, dict) else None
    if task.get("type") != "continue" or not isinstance(value, dict) or not isinstance(card, dict):
        return answer.error(_UNKNOWN)
    return answer.result(
        "dialog",
        card=card,
        title=str(value.get("title", "")),
        height=value.get("height"),
        width=value.get("width"),
    )
