"""How a field of a datasource is declared, and how its value travels as text between a form or a command and a model.

A model is a frozen pydantic class whose fields are made with `declared`. What is not declared is refused with the
nearest name; what a field does not take is refused with what it takes.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any, ClassVar, Final, Self, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from podadmin.core.errors import BadInput
from podadmin.core.text import stranger
from podadmin.datasources.model import Source

BASIC: Final = "basic"
READING: Final = "reading"
FILTER: Final = "filter"
SPLIT: Final = "split"
ADVANCED: Final = "advanced"
_DAY: Final = re.compile(r"\d{4}-\d{2}-\d{2}")
_NOWHERE: Final = ("", "")


@dataclass(frozen=True)
class FieldForm:
    """A field as a form shows it; see `podadmin.app.views.datasources.FieldView`, which says what each part means."""

    name: str
    label: str
    help: str
    input: str
    choices: tuple[tuple[str, str], ...]
    default: str
    required: bool
    group: str
    only_with: tuple[str, str]


def declared(
    label: str,
    help: str,  # noqa: A002 - what the form calls it
    *,
    takes: str = "text",
    default: Any = ...,
    group: str = BASIC,
    choices: Mapping[str, str] | None = None,
    only_with: tuple[str, str] = _NOWHERE,
    **bounds: Any,
) -> Any:
    """A field of a declared model. `takes`: the input of a form; `choices`: value -> words; `bounds`: of pydantic."""
    extra: dict[str, Any] = {
        "takes": takes,
        "group": group,
        "choices": [list(each) for each in (choices or {}).items()],
        "only_with": list(only_with),
    }
    return Field(default, title=label, description=help, json_schema_extra=extra, **bounds)


class Declared(BaseModel):
    """A kind's fields. `OWN` names those that are attributes of the source itself; the others are its settings."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    OWN: ClassVar[frozenset[str]] = frozenset()
    SECRET: ClassVar[str] = ""
    """The field whose value goes into the vault; it is part of the form and never of the model."""

    def settings(self) -> dict[str, Any]:
        """The fields that are no attribute of the source, JSON-ready, without those that have their default."""
        return self.model_dump(mode="json", exclude_defaults=True, exclude=set(self.OWN))

    def source(self, secret: str = "") -> Source:
        """The source that these fields describe. `secret`: the name of its password in the vault."""
        raise NotImplementedError

    @classmethod
    def fields_of(cls, source: Source) -> dict[str, Any]:
        """The fields that are attributes of the source, by name."""
        raise NotImplementedError

    @classmethod
    def of(cls, source: Source) -> Self:
        """The declaration of a source that is kept."""
        return made(cls, {**source.settings, **cls.fields_of(source)})


M = TypeVar("M", bound=Declared)


def forms_of(model: type[Declared]) -> tuple[FieldForm, ...]:
    """The fields of a model in the order of their declaration, those of what it extends behind its own."""
    order = {BASIC: 0, READING: 1, FILTER: 2, SPLIT: 3, ADVANCED: 4}
    found = []
    for name, field in model.model_fields.items():
        extra = field.json_schema_extra
        assert isinstance(extra, dict), f"{name} was not declared"
        told: dict[str, Any] = dict(extra)
        choices = tuple((value, words) for value, words in told["choices"])
        default = "" if field.is_required() else as_text(field.get_default(call_default_factory=True), told["takes"])
        found.append(
            FieldForm(
                name,
                str(field.title),
                str(field.description),
                told["takes"],
                choices,
                default,
                field.is_required(),
                told["group"],
                (told["only_with"][0], told["only_with"][1]),
            )
        )
    return tuple(sorted(found, key=lambda form: order[form.group]))


def from_texts(model: type[M], given: Mapping[str, str]) -> M:
    """The model that texts describe; one that is empty stands for the default.

    Raises BadInput (`datasource.unknown-field`, `datasource.field-missing`, `datasource.field`).
    """
    takes = {form.name: form for form in forms_of(model)}
    _known(given, tuple(takes))
    return made(model, {name: _value(takes[name], text.strip()) for name, text in given.items() if text.strip()})


def to_texts(given: Declared) -> dict[str, str]:
    """The fields that do not have their default, as texts; `from_texts` takes them back."""
    chosen = given.model_dump(exclude_defaults=True)
    return {form.name: as_text(chosen[form.name], form.input) for form in forms_of(type(given)) if form.name in chosen}


def made(model: type[M], values: Mapping[str, Any]) -> M:
    """The model with these values. Raises as `from_texts`."""
    _known(values, tuple(model.model_fields))
    try:
        return model.model_validate(dict(values))
    except ValidationError as error:
        # nothing of the library's words is passed on: they may carry what was given
        raise _refused(model, error) from None


def as_text(value: Any, takes: str) -> str:
    """A value of a field as a form holds it."""
    if value is None or value in ((), {}, []):
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if takes in {"list", "pairs"} or isinstance(value, dict | list | tuple):
        return json.dumps(value, ensure_ascii=False, sort_keys=isinstance(value, dict))
    return str(value)


def _value(form: FieldForm, text: str) -> Any:
    if form.input == "date":
        if not _DAY.fullmatch(text):
            raise _bad(form.label, "It is a day, such as 2024-01-31.", form.name)
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise _bad(form.label, "There is no such day in the calendar.", form.name) from None
    if form.input == "list":
        return _list(form, text)
    if form.input == "pairs" or (form.input == "lines" and text[:1] == "{"):
        return _object(form, text)
    return text


def _list(form: FieldForm, text: str) -> list[str]:
    """A JSON list of texts, or texts parted by commas."""
    if text[:1] != "[":
        return [each.strip() for each in text.split(",") if each.strip()]
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list) or not all(isinstance(each, str) for each in found):
        raise _bad(form.label, "It is a list of texts.", form.name)
    return found


def _object(form: FieldForm, text: str) -> dict[str, Any]:
    """A JSON object; pairs of texts may also be written as lines of name=value."""
    if text[:1] == "{":
        try:
            found = json.loads(text)
        except (ValueError, RecursionError):
            found = None
    else:
        parted = [line.partition("=") for line in text.splitlines() if line.strip()]
        found = {name.strip(): value.strip() for name, equals, value in parted if equals}
        found = found if len(found) == len(parted) else None
    if not isinstance(found, dict):
        why = "It is given as name=value." if form.input == "pairs" else "It is one JSON object."
        raise _bad(form.label, why, form.name)
    return found


def _known(given: Mapping[str, Any], names: tuple[str, ...]) -> None:
    for name in given:
        if name not in names:
            near = difflib.get_close_matches(name, names, n=1, cutoff=0.5)
            raise BadInput(
                "datasource.unknown-field",
                f"A datasource of this kind has no field “{stranger(name, 60)}”.",
                f"The nearest name is “{near[0]}”." if near else f"Its fields are {', '.join(sorted(names))}.",
                "Correct the name, or leave the field out.",
            )


def _refused(model: type[Declared], error: ValidationError) -> BadInput:
    found = error.errors(include_url=False, include_input=False)[0]
    place = found["loc"][0] if found["loc"] else ""
    field = model.model_fields.get(str(place))
    label = str(field.title) if field is not None else "What was given"
    kind, about = found["type"], found.get("ctx", {})
    if kind == "missing":
        return BadInput(
            "datasource.field-missing",
            f"“{label}” is needed.",
            f"{field.description if field is not None else 'Nothing was given for it.'}",
            "Give it a value.",
        ).at(str(place))
    name = str(place)
    if kind == "value_error":
        return _bad(label, str(about["error"]), name)
    if kind == "literal_error" and field is not None:
        takes = next(form for form in forms_of(model) if form.name == place)
        return _bad(label, f"It can be one of: {', '.join(value for value, _words in takes.choices if value)}.", name)
    return _bad(label, _WHY.get(kind, "It does not have the form that this field takes.").format(**about), name)


_WHY: Final = {
    "int_parsing": "It is a whole number.",
    "int_from_float": "It is a whole number.",
    "int_parsing_size": "It is a whole number that fits 64 bits.",
    "float_parsing": "It is a number.",
    "finite_number": "It is a finite number.",
    "bool_parsing": "It is yes or no.",
    "greater_than_equal": "It is not less than {ge}.",
    "less_than_equal": "It is not more than {le}.",
    "string_too_short": "It has at least {min_length} characters.",
    "string_too_long": "It has at most {max_length} characters.",
    "string_type": "It is a text.",
    "string_pattern_mismatch": "It contains a character that it cannot contain.",
}


def _bad(label: str, why: str, name: str) -> BadInput:
    return BadInput(
        "datasource.field",
        f"“{label}” cannot be used as it is given.",
        why,
        "Correct it, or leave it empty where it is not needed.",
    ).at(name)
