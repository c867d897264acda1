"""What a scripted browser sees of a page: its title, its text, its links and its forms."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from html.parser import HTMLParser

_UNSEEN = frozenset({"script", "style", "template", "noscript"})
_BREAKS = frozenset(
    {"p", "div", "li", "tr", "h1", "h2", "h3", "h4", "form", "section", "main", "label", "br", "td", "th", "dd"}
)
_PRESSED = frozenset({"submit", "image"})
_NEVER_SENT = frozenset({"button", "reset", "file"})


class NoSuchThing(LookupError):
    """The page has no such form, field, button or link; the message lists what it has."""


@dataclass(slots=True)
class Field:
    """One field of a form. `on` tells whether a checkbox or radio button is checked, or an option chosen."""

    name: str
    kind: str
    value: str
    on: bool = True


@dataclass(slots=True)
class Button:
    """A button that submits its form."""

    name: str
    value: str
    label: str = ""

    def called(self, wanted: str) -> bool:
        """Whether a person, or a script, would mean this button."""
        return wanted in (self.label, self.value, self.name)


@dataclass(slots=True)
class Form:
    """One form, ready to be filled in."""

    action: str
    method: str
    fields: list[Field] = field(default_factory=list)
    buttons: list[Button] = field(default_factory=list)

    def names(self) -> list[str]:
        """The names of its fields, each once."""
        return list(dict.fromkeys(each.name for each in self.fields))

    def filled(self, values: Mapping[str, str | bool], button: Button | None) -> list[tuple[str, str]]:
        """What is sent: the fields in order with `values` in them, then the button that was pressed.

        A checkbox takes True or False, a radio button or a choice the value that is picked. Raises NoSuchThing.
        """
        for name in values:
            if name not in self.names():
                raise NoSuchThing(f"The form has no field {name!r}; it has {self.names()}.")
        sent = [pair for each in self.fields if (pair := _sent(each, values)) is not None]
        missing = [name for name, value in values.items() if isinstance(value, str) and (name, value) not in sent]
        if missing:
            raise NoSuchThing(f"The field {missing[0]!r} does not offer {values[missing[0]]!r}.")
        return sent if button is None or not button.name else [*sent, (button.name, button.value)]


@dataclass(slots=True)
class Seen:
    """What was read from a page."""

    title: str = ""
    text: str = ""
    links: list[tuple[str, str]] = field(default_factory=list)
    forms: list[Form] = field(default_factory=list)


def read_page(html: str) -> Seen:
    """Reads a page."""
    reader = _Reader()
    reader.feed(html)
    reader.close()
    seen = reader.seen
    seen.title = _tidy(seen.title)
    seen.text = "\n".join(line for each in seen.text.split("\n") if (line := _tidy(each)))
    seen.links = [(_tidy(label), target) for label, target in seen.links]
    for form in seen.forms:
        for button in form.buttons:
            button.label = _tidy(button.label)
    return seen


def _sent(each: Field, values: Mapping[str, str | bool]) -> tuple[str, str] | None:
    """What one field contributes; None when it is not sent."""
    wanted = values.get(each.name)
    if each.kind == "checkbox":
        return (each.name, each.value) if (each.on if wanted is None else wanted in (True, each.value)) else None
    if each.kind in ("radio", "option"):
        return (each.name, each.value) if (each.on if wanted is None else wanted == each.value) else None
    return each.name, each.value if wanted is None else str(wanted)


def _tidy(text: str) -> str:
    return " ".join(text.split())


class _Reader(HTMLParser):
    """Reads tag by tag. Text goes to the page, and to the button, link, title or text area that is open."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.seen = Seen()
        self._form: Form | None = None
        self._button: Button | None = None
        self._area: Field | None = None
        self._select = ""
        self._hidden = 0
        self._in_title = False
        self._in_link = False

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in _UNSEEN:
            self._hidden += 1
        if tag in _BREAKS:
            self.seen.text += "\n"
        if tag == "title":
            self._in_title = True
        elif tag == "a" and "href" in given:
            self._in_link = True
            self.seen.links.append(("", given["href"]))
        elif tag == "form":
            self._form = Form(given.get("action", ""), given.get("method", "get").lower())
            self.seen.forms.append(self._form)
        elif self._form is not None and "disabled" not in given:
            self._control(self._form, tag, given)

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN:
            self._hidden = max(0, self._hidden - 1)
        if tag in _BREAKS:
            self.seen.text += "\n"
        match tag:
            case "title":
                self._in_title = False
            case "a":
                self._in_link = False
            case "form":
                self._form = self._button = self._area = None
            case "button":
                self._button = None
            case "textarea" | "option":
                self._area = None
            case "select":
                self._select = ""

    def handle_data(self, data: str) -> None:
        if self._hidden:
            return
        if self._in_title:
            self.seen.title += data
            return
        if self._area is not None:
            self._area.value += data
            return
        self.seen.text += data
        if self._button is not None:
            self._button.label += data
        if self._in_link:
            label, target = self.seen.links[-1]
            self.seen.links[-1] = (label + data, target)

    def _control(self, form: Form, tag: str, given: dict[str, str]) -> None:
        name, value = given.get("name", ""), given.get("value", "")
        match tag:
            case "button" if given.get("type", "submit").lower() == "submit":
                self._button = Button(name, value)
                form.buttons.append(self._button)
            case "input":
                _input(form, given)
            case "textarea" if name:
                self._area = Field(name, "text", "")
                form.fields.append(self._area)
            case "select":
                self._select = name
            case "option" if self._select:
                first = all(each.name != self._select for each in form.fields)
                if "selected" in given:
                    for each in form.fields:
                        each.on = each.on and each.name != self._select
                option = Field(self._select, "option", value, first or "selected" in given)
                form.fields.append(option)
                self._area = None if "value" in given else option


def _input(form: Form, given: dict[str, str]) -> None:
    name, value, kind = given.get("name", ""), given.get("value", ""), given.get("type", "text").lower()
    if kind in _PRESSED:
        form.buttons.append(Button(name, value, value or "Submit"))
    elif name and kind in ("checkbox", "radio"):
        form.fields.append(Field(name, kind, given.get("value", "on"), "checked" in given))
    elif name and kind not in _NEVER_SENT:
        form.fields.append(Field(name, kind, value))
