"""What projects are for, in the words of the Data Use Ontology and in plain ones."""

from __future__ import annotations

from collections.abc import Iterable

from podadmin.app.views.rules import ProjectRow, PurposeRow
from podadmin.core.text import stranger
from podadmin.requests.projects import Project
from podadmin.requests.terms import Term, duo

NOT_STATED = "Not stated"


def purpose_row(term: Term) -> PurposeRow:
    """A code with everything that is known of it."""
    return PurposeRow(term.code, term.short, duo().groups[term.group], term.label, term.words)


def project_row(found: Project) -> ProjectRow:
    """A project. Its name stays as it came, so that it can be named again; whoever shows it makes it visible."""
    return ProjectRow(
        found.name,
        purpose_words(found.codes),
        tuple(purpose_row(duo().terms[code]) for code in found.codes if code in duo().terms),
        found.requests,
        found.grants,
        found.bound,
        found.at,
        stranger(found.by),
    )


def purpose_words(codes: Iterable[str]) -> str:
    """A purpose in one line."""
    words = ", ".join(duo().words(code) for code in codes)
    return f"{words[:1].upper()}{words[1:]}" if words else NOT_STATED
