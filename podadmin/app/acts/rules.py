"""Acts on rules: list them, read one, try a draft on what has come so far, put it into force, see what it was."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Annotated, Literal

from podadmin.app.acts.registry import act
from podadmin.app.purpose_rows import project_row, purpose_row
from podadmin.app.signing import sign_receipts
from podadmin.app.views.facts import Done
from podadmin.app.views.rules import (
    ProjectRow,
    PurposeRow,
    RuleDetail,
    RuleFieldRow,
    RuleRow,
    SuggestionRow,
    Trial,
)
from podadmin.requests import projects
from podadmin.requests import rule_service as service
from podadmin.requests.rules import Rule, draft

if TYPE_CHECKING:
    from podadmin.app.profile import Profile

Verdict = Literal["allow", "refuse", "hold", "look"]
MaybeVerdict = Literal["", "allow", "refuse", "hold", "look"]
Conditions = Annotated[dict[str, str], "what has to be so: field=mode: values, such as column=only: age, sex"]
Results = Annotated[
    dict[str, str], "what holds the results of its tasks: field=mode: values, such as rows=more-than: 10"
]
WithoutResults = Annotated[list[str], "fields of results for which it holds nothing any more"]
RuleId = Annotated[str, "the rule's id"]
Reason = Annotated[str, "why, for whoever asks later"]
Message = Annotated[str, "what a requester reads who is refused"]
Reviewers = Annotated[int, "how many people have to agree, for a rule that holds"]
MaybeReviewers = Annotated[int, "how many people have to agree; 0 leaves it"]
Without = Annotated[list[str], "fields that it asks nothing of any more"]


@act("rules list")
def list_rules(profile: Profile) -> tuple[RuleRow, ...]:
    """List the rules. They have no order: what all of them say is weighed, and a refusal wins."""
    from podadmin.app.rule_views import row_of

    with profile.store.read() as connection:
        rules = service.rules_of(connection).values
        rows = [row_of(service.history(connection, each.id)[0]) for each in rules]
    return tuple(sorted(rows, key=lambda row: (row.name.lower(), row.id)))


@act("rules show")
def show(profile: Profile, rule: RuleId) -> RuleDetail:
    """Show a rule in plain words, what it does not ask, and every version that it had."""
    from podadmin.app.rule_views import detail_of

    with profile.store.read() as connection:
        return detail_of(service.history(connection, rule))


@act("rules add", writes=True, kinds=("rule",))
def add(
    profile: Profile,
    name: Annotated[str, "what to call it"],
    verdict: Annotated[Verdict, "what it says of a request that it speaks about"],
    reason: Reason,
    *,
    condition: Conditions = {},  # noqa: B006 - never changed
    results: Results = {},  # noqa: B006 - never changed
    message: Message = "",
    reviewers: Reviewers = 1,
    off: Annotated[bool, "keep it switched off for now"] = False,
) -> RuleDetail:
    """Put a new rule into force. Try it first with `rules try`."""
    wanted = draft(name, verdict, condition, message=message, reviewers=reviewers, enabled=not off, results=results)
    made = service.add(profile.store, profile.clock, profile.actor, wanted, reason)
    return show(profile, made.id)


@act("rules change", writes=True, kinds=("rule",))
def change(
    profile: Profile,
    rule: RuleId,
    reason: Reason,
    *,
    name: Annotated[str, "another name"] = "",
    verdict: Annotated[MaybeVerdict, "another verdict"] = "",
    condition: Conditions = {},  # noqa: B006 - never changed
    without: Without = [],  # noqa: B006 - never changed
    results: Results = {},  # noqa: B006 - never changed
    without_results: WithoutResults = [],  # noqa: B006 - never changed
    message: Message = "",
    reviewers: MaybeReviewers = 0,
    version: Annotated[int, "the version that you have seen; 0 for whatever it is now"] = 0,
) -> RuleDetail:
    """Put another version of a rule into force. What is not named stays as it is."""
    with profile.store.read() as connection:
        was = service.find(connection, rule)
    wanted = _changed(was, name, verdict, condition, without, message, reviewers, results, without_results)
    if version:
        wanted = replace(wanted, version=version)
    service.change(profile.store, profile.clock, profile.actor, wanted, reason)
    return show(profile, rule)


@act("rules on", writes=True, kinds=("rule",))
def switch_on(profile: Profile, rule: RuleId, reason: Reason) -> RuleDetail:
    """Switch a rule on."""
    service.switch(profile.store, profile.clock, profile.actor, rule, True, reason)
    return show(profile, rule)


@act("rules off", writes=True, kinds=("rule",))
def switch_off(profile: Profile, rule: RuleId, reason: Reason) -> RuleDetail:
    """Switch a rule off. It stays to be read and switched on again."""
    service.switch(profile.store, profile.clock, profile.actor, rule, False, reason)
    return show(profile, rule)


@act("rules remove", writes=True, kinds=("rule",))
def remove(profile: Profile, rule: RuleId, reason: Reason) -> Done:
    """End a rule for good. What it was stays in its history and in the journal."""
    service.remove(profile.store, profile.clock, profile.actor, rule, reason)
    return Done("The rule was removed.", rule)


@act("rules try")
def trial(
    profile: Profile,
    *,
    rule: Annotated[str, "the rule in whose place the draft would stand; empty for a new one"] = "",
    name: Annotated[str, "what to call it"] = "",
    verdict: Annotated[MaybeVerdict, "what it says of a request that it speaks about"] = "",
    condition: Conditions = {},  # noqa: B006 - never changed
    without: Without = [],  # noqa: B006 - never changed
    results: Results = {},  # noqa: B006 - never changed
    without_results: WithoutResults = [],  # noqa: B006 - never changed
    message: Message = "",
    reviewers: MaybeReviewers = 0,
) -> Trial:
    """Read a draft in plain words and decide all past requests again with it. Nothing is kept."""
    from podadmin.app.rule_views import trial_of

    with profile.store.read() as connection:
        rules = service.rules_of(connection)
        if rule:
            was = service.find(connection, rule)
            wanted = _changed(was, name, verdict, condition, without, message, reviewers, results, without_results)
        else:
            wanted = draft(
                name or "A new rule",
                verdict or "allow",
                condition,
                message=message or "Not given yet",
                reviewers=reviewers or 1,
                results=results,
            )
        return trial_of(connection, rules, wanted)


@act("rules fields")
def fields(profile: Profile) -> tuple[RuleFieldRow, ...]:
    """Show what rules can ask about, how, and which values have come in requests so far."""
    from podadmin.app.rule_views import field_rows

    with profile.store.read() as connection:
        return field_rows(connection)


@act("rules suggest")
def suggest(profile: Profile) -> tuple[SuggestionRow, ...]:
    """Propose rules where you have approved the same at least three times; never wider than what you approved."""
    from podadmin.app.rule_views import suggestion_rows

    with profile.store.read() as connection:
        return suggestion_rows(connection, service.rules_of(connection), profile.clock.now())


@act("rules purposes")
def purposes(profile: Profile) -> tuple[PurposeRow, ...]:
    """Show the codes for purposes (GA4GH Data Use Ontology), with plain words."""
    from podadmin.requests.terms import duo

    return tuple(purpose_row(each) for each in duo().terms.values())


@act("rules purpose", writes=True, kinds=("rule", "grant", "request"))
def state_purpose(
    profile: Profile,
    project: Annotated[str, "the project's id, as requests name it"],
    *,
    code: Annotated[list[str], "a code such as DUO:0000037; none: nothing is stated any more"] = [],  # noqa: B006
) -> ProjectRow:
    """State what a project is for. Grants that were made while it was for something else are void from now on."""
    projects.state_purpose(profile.store, profile.clock, profile.actor, project, code)
    sign_receipts(profile)
    return one_project(profile, project.strip())


@act("rules projects")
def all_projects(profile: Profile) -> tuple[ProjectRow, ...]:
    """List the projects that requests have named, and what you have stated each to be for."""
    with profile.store.read() as connection:
        return tuple(project_row(each) for each in projects.projects(connection, profile.clock.now()))


@act("rules project")
def one_project(profile: Profile, project: Annotated[str, "the project's id, as requests name it"]) -> ProjectRow:
    """Show what a project is for, and what hangs on it."""
    with profile.store.read() as connection:
        return project_row(projects.projects(connection, profile.clock.now(), only=project)[0])


def _changed(
    was: Rule,
    name: str,
    verdict: str,
    condition: dict[str, str],
    without: list[str],
    message: str,
    reviewers: int,
    results: dict[str, str],
    without_results: list[str],
) -> Rule:
    """`was` with what was named; what was not named stays."""
    texts = {field: text for field, text in was.texts().items() if field not in without} | condition
    held = {field: text for field, text in was.result_texts().items() if field not in without_results} | results
    said = verdict or was.verdict
    return draft(
        name or was.name,
        said,
        texts,
        message=message or was.message,
        reviewers=reviewers or (was.reviewers if said == "hold" else 1),
        enabled=was.enabled,
        rule_id=was.id,
        version=was.version,
        results=held,
    )
