"""Which columns look like they point at people: stated rules over a column's name and over a sample of its cells.

A rule that finds something is named with it, so that a custodian can judge the rule as well. Pure; no cell is kept.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence

FREE_TEXT = "free text"
_MOST = 0.8
"""The share of the cells which a rule has to fit."""
_LEAST_CELLS, _GLANCE = 5, 12
_FREE_TEXT_LENGTH, _FREE_TEXT_WORDS = 25, 4

_IDENTIFYING: tuple[tuple[str, str], ...] = (
    (r"(sur|last|first|fore|given|family|middle|full|patient|maiden)?name(s)?", "names of people"),
    (r"dob|birth|birthdate|birthday|born|geburtsdatum", "dates of birth"),
    (r"post(al)?code|zip(code)?|plz", "postal codes"),
    (r"nhs|chi|mrn|hospital(no|number)|ssn|nino|insurance(no|number)?|passport|medicare", "numbers issued to a person"),
    (r"(patient|person|subject|case|participant|pat)(id|no|nr|number|identifier)|pid", "identifiers of patients"),
    (r"e?mail(address)?", "e-mail addresses"),
    (r"(tele)?phone|mobile|fax|tel(no|number)?", "telephone numbers"),
    (r"address|street|city|town", "addresses"),
    (r"ip(address)?|mac(address)?|device(id|serial)|serial(no|number)", "numbers of devices"),
    (r"(accession|study|series|sop)(instance)?(uid|id|no|number)|uid", "numbers of examinations"),
    (r"notes?|comments?|remarks?|narrative|freetext|letter", FREE_TEXT),
)  # fmt: skip
_ANY = re.compile("|".join(f"(?:{pattern})" for pattern, _ in _IDENTIFYING))
_WORDS = re.compile(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+")


def suspected(name: str) -> str:
    """What kind of identifier the name of a column suggests ("" for none).

    The words of the name (cut at capitals, digits and punctuation) are compared one by one, in pairs and in threes,
    so that `DateOfBirth`, `patient_id` and `NHSNumber` are found while `filename_suffix` is judged by `filename`.
    """
    words = [word.lower() for word in _WORDS.findall(name)]
    runs = {"".join(words[start : start + size]) for size in (1, 2, 3) for start in range(len(words) - size + 1)}
    found = [run for run in runs if _ANY.fullmatch(run)]
    for pattern, kind in _IDENTIFYING if found else ():
        if any(re.fullmatch(pattern, run) for run in found):
            return kind
    return ""


def nhs_number(cell: str) -> bool:
    """Ten digits, in one or in groups of 3, 3 and 4, the last of which checks the others modulo 11 (NHS data model)."""
    if not re.fullmatch(r"\d{10}|\d{3}[ -]\d{3}[ -]\d{4}", cell, re.ASCII):
        return False
    digits = [int(char) for char in cell if char.isdigit()]
    check = 11 - sum(weight * digit for weight, digit in zip(range(10, 1, -1), digits, strict=False)) % 11
    return check != 10 and check % 11 == digits[9] and len(set(digits)) > 1


def social_security_number(cell: str) -> bool:
    """AAA-GG-SSSS with none of the areas, groups and serials that are never issued (US SSA)."""
    found = re.fullmatch(r"(\d{3})-(\d{2})-(\d{4})", cell, re.ASCII)
    if not found:
        return False
    return found[1] not in {"000", "666"} and found[1] < "900" and found[2] != "00" and found[3] != "0000"


def luhn(cell: str) -> bool:
    """8 to 19 digits whose last one checks the others by the Luhn rule (ISO/IEC 7812-1, annex B)."""
    if not re.fullmatch(r"\d{8,19}", cell, re.ASCII):
        return False
    doubled = [int(char) * (1 + place % 2) for place, char in enumerate(reversed(cell))]
    return sum(value - 9 * (value > 9) for value in doubled) % 10 == 0 and len(set(cell)) > 1


def _matches(pattern: str) -> Callable[[str], bool]:
    compiled = re.compile(pattern, re.ASCII)
    return lambda cell: compiled.fullmatch(cell) is not None


_RULES: tuple[tuple[Callable[[str], bool], str, str], ...] = (
    (_matches(r"[^@\s]{1,64}@[^@\s]+\.[A-Za-z]{2,}"), "e-mail addresses", "they are written as e-mail addresses"),
    (nhs_number, "numbers issued to a person", "their check digits are those of NHS numbers"),
    (social_security_number, "numbers issued to a person", "they are written as social security numbers"),
    (_matches(r"[A-Z]{1,2}\d[A-Z\d]? ?\d[A-Z]{2}"), "postal codes", "they are written as postal codes"),
    (_matches(r"(\+|00)\d[\d ()/-]{6,18}|\(?0\d{2,5}\)?[ /-]?\d[\d /-]{4,12}"), "telephone numbers",
     "they are written as telephone numbers"),
    (_matches(r"\d{1,3}(\.\d{1,3}){3}|([\dA-Fa-f]{2}[:-]){5}[\dA-Fa-f]{2}"), "numbers of devices",
     "they are written as addresses of devices"),
    (luhn, "numbers issued to a person", "their check digits are those of issued numbers (Luhn)"),
)  # fmt: skip


def recognised(cells: Sequence[str], numeric: bool = False) -> tuple[str, str]:
    """(kind, by which rule) of identifier that different cells of a column look like; ("", "") for none.

    One cell in ten fits the Luhn rule and one in eleven the NHS rule by chance, so nearly all of them have to fit.
    """
    if len(cells) < _LEAST_CELLS:
        return "", ""
    first = cells[:_GLANCE]
    for test, kind, rule in _RULES:
        if 2 * sum(map(test, first)) >= len(first) and sum(map(test, cells)) >= _MOST * len(cells):
            return kind, f"most values say so: {rule}"
    if numeric:
        return "", ""
    long = sum(len(cell) >= _FREE_TEXT_LENGTH and cell.count(" ") >= _FREE_TEXT_WORDS - 1 for cell in cells)
    if long >= 0.3 * len(cells):
        return FREE_TEXT, "many values are whole sentences, in which anything can stand"
    return "", ""
