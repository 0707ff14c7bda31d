"""Adaptive Card elements: the classes of `adaptivecards`, made strict, and what that library lacks.

Only what our cards use is here. An attribute or a word that the schema does not know raises at once, because a client
drops it in silence. Schema 1.5: https://adaptivecards.io/explorer/
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Self

import adaptivecards.adaptivecard as base_card
import adaptivecards.containers as base_containers
import adaptivecards.elements as base_elements
from adaptivecards.baseobject import BareObject, PropertyType

VERSION = "1.5"
#: Root properties that Teams understands and the public schema does not know.
#: https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/cards-format#full-width-adaptive-card
TEAMS_EXTENSIONS = ("msteams",)
FULL_WIDTH = {"width": "Full"}


class _Word(PropertyType):
    """A property that takes one of a few words."""

    def __init__(self, *words: str, key_name: str | None = None) -> None:
        super().__init__(str, key_name)
        self.words = words

    def __set__(self, instance: Any, value: Any) -> None:
        if value not in self.words:
            raise ValueError(f"{self.key_name} must be one of {', '.join(self.words)} (got {value!r})")
        super().__set__(instance, value)


class _Several(PropertyType):
    """A property that takes a list of elements of some classes."""

    def __init__(self, *classes: type, key_name: str | None = None) -> None:
        super().__init__(list, key_name)
        self.classes = classes

    def __set__(self, instance: Any, value: Any) -> None:
        super().__set__(instance, value)
        for item in value:
            if not isinstance(item, self.classes):
                raise TypeError(f"{self.key_name} cannot hold {type(item).__name__}")


class _Strict(BareObject):
    """What the base classes lack: unknown attributes raise, here and later, and so do missing ones."""

    required: ClassVar[tuple[str, ...]] = ()
    known: ClassVar[frozenset[str]] = frozenset()

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        # Not by hasattr later: the library's properties cannot be read on the class.
        cls.known = frozenset(
            name
            for each in cls.__mro__
            for name, value in vars(each).items()
            if isinstance(value, PropertyType)
        )

    def __init__(self, **attributes: Any) -> None:
        self._refuse_unknown(attributes)
        absent = [name for name in self.required if name not in attributes]
        if absent:
            raise TypeError(f"{type(self).__name__} needs {', '.join(absent)}")
        super().__init__(**attributes)

    def __setattr__(self, name: str, value: Any) -> None:
        if name != "_data":
            self._refuse_unknown((name,))
        super().__setattr__(name, value)

    def _refuse_unknown(self, names: Iterable[str]) -> None:
        unknown = sorted(set(names) - self.known)
        if unknown:
            raise AttributeError(f"{type(self).__name__} has no {', '.join(unknown)}")

    def to_dict(self) -> dict[str, Any]:
        """Return the element and all in it as plain JSON values, `type` first."""
        data = self.render()
        return {"type": data["type"]} | {key: _plain(value) for key, value in data.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, _Strict):
        return value.to_dict()
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    return value


# --- actions: the library has none -----------------------------------------------------------------


class Action(_Strict):
    """What all actions share. https://adaptivecards.io/explorer/Action.Execute.html"""

    action_type: ClassVar[str]
    title = PropertyType(type=str)
    tooltip = PropertyType(type=str)
    style = _Word("default", "positive", "destructive")
    #: A secondary one stands under "…" beside the others.
    mode = _Word("primary", "secondary")

    def __init__(self, **attributes: Any) -> None:
        super().__init__(**attributes)
        self.set_data("type", self.action_type)


class Execute(Action):
    """Comes back as the invoke `adaptiveCard/action`; the answer may be a new card."""

    action_type = "Action.Execute"
    required = ("title", "verb")
    verb = PropertyType(type=str)
    data = PropertyType(type=dict)


class Submit(Action):
    """Comes back as a message, or as `task/fetch` and `task/submit` where `data.msteams` or a dialog asks for it."""

    action_type = "Action.Submit"
    required = ("title", "data")
    data = PropertyType(type=dict)


class Press(Action):
    """A Submit that hangs on something with text of its own. Without a title it is read out by that text."""

    action_type = "Action.Submit"
    required = ("data",)
    data = PropertyType(type=dict)


class OpenUrl(Action):
    action_type = "Action.OpenUrl"
    required = ("title", "url")
    url = PropertyType(type=str)


class ToggleVisibility(Action):
    """Shows what is hidden and hides what is shown, in the client: nothing is sent."""

    action_type = "Action.ToggleVisibility"
    required = ("targets",)
    targets = PropertyType(type=list, key_name="targetElements")


# --- elements --------------------------------------------------------------------------------------


class _Element(_Strict):
    """Narrows what every element shares to the words of the schema."""

    spacing = _Word("default", "none", "small", "medium", "large", "extraLarge", "padding")


class _Lettering(_Strict):
    color = _Word("default", "dark", "light", "accent", "good", "warning", "attention")
    font = _Word("default", "monospace", key_name="fontType")
    size = _Word("default", "small", "medium", "large", "extraLarge")
    subtle = PropertyType(type=bool, key_name="isSubtle")
    weight = _Word("default", "lighter", "bolder")


class TextBlock(_Lettering, _Element, base_elements.TextBlock):
    """Draws markdown: only for our own constants."""

    required = ("text",)
    style = _Word("default", "heading")


class TextRun(_Lettering, base_elements.TextRun):
    """Draws its text as it stands. Made by cards.text.run, which makes the text harmless first."""

    required = ("text",)
    select_action = PropertyType(type=Action, key_name="selectAction")


class RichTextBlock(_Element, base_elements.RichTextBlock):
    required = ("inlines",)
    inlines = _Several(TextRun)


class Container(_Element, base_containers.Container):
    required = ("items",)
    items = _Several(BareObject)
    style = _Word("default", "emphasis", "good", "attention", "warning", "accent")
    select_action = PropertyType(type=Action, key_name="selectAction")


class ActionSet(_Element, base_containers.ActionSet):
    """Buttons within the card's body."""

    required = ("actions",)
    actions = _Several(Action)


class GroupedBars(_Element, base_elements.Element):
    """Teams' own chart, which the public schema does not know; a client without it draws `fallback`.

    `data`: a list of {"legend": str, "values": [{"x": str, "y": number}], "color": a colour of Teams' charts}.
    https://learn.microsoft.com/microsoftteams/platform/task-modules-and-cards/cards/charts-in-adaptive-cards
    """

    element_type = "Chart.VerticalBar.Grouped"
    required = ("data", "fallback")
    title = PropertyType(type=str)
    x_title = PropertyType(type=str, key_name="xAxisTitle")
    y_title = PropertyType(type=str, key_name="yAxisTitle")
    color_set = _Word("categorical", "sequential", "diverging", key_name="colorSet")
    stacked = PropertyType(type=bool)
    data = PropertyType(type=list)
    fallback = PropertyType(type=Container)


class AdaptiveCard(_Strict, base_card.AdaptiveCard):
    """The root. `msteams` is Teams' own (TEAMS_EXTENSIONS)."""

    body = _Several(BareObject)
    actions = _Several(Action)
    msteams = PropertyType(type=dict)

    def __init__(self, **attributes: Any) -> None:
        super().__init__()
        self.set_data("version", VERSION)
        for name, value in attributes.items():
            setattr(self, name, value)

    @classmethod
    def of(cls, body: list[Any], actions: list[Action], **attributes: Any) -> Self:
        """Return a card in English for Teams, with what a client too old for it shows instead."""
        more = {"actions": actions} if actions else {}
        return cls(body=body, lang="en", fallback_text="This card needs a newer Teams.", **more, **attributes)
