"""Acts on requests: list them, look at one exactly, approve it, refuse it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, Literal

from podadmin.app import saved_filters
from podadmin.app.acts.asked import HowMany, RequestId
from podadmin.app.acts.registry import act
from podadmin.app.journal_words import row_of
from podadmin.app.moments import moment_words
from podadmin.app.purpose_rows import NOT_STATED, purpose_words
from podadmin.app.request_difference import comparable, difference_of, effect_facts, field_facts, words_of
from podadmin.app.request_rows import request_row
from podadmin.app.review_rows import review_view
from podadmin.app.signing import sign_receipts
from podadmin.app.views.facts import Fact, Permit, Section
from podadmin.app.views.filters import SavedFilter
from podadmin.app.views.left import LeftView
from podadmin.app.views.near import NearView
from podadmin.app.views.requests import Arrival, Arrivals, Comparison, EffectView, RequestDetail, RequestPage, TraceLine
from podadmin.app.views.rules import WhyNotView
from podadmin.core.clock import unstamp
from podadmin.core.errors import BadInput, PodadminError, Refused
from podadmin.core.progress import Progress
from podadmin.core.redaction import masked
from podadmin.core.text import elide, grouped, stranger, visible
from podadmin.journal import service as journal
from podadmin.pod.setup import BITFOUNT, BUILT_IN, worker
from podadmin.requests import receipts, service
from podadmin.requests.decisions import Check
from podadmin.requests.grant_pins import MAY_VARY
from podadmin.requests.purposes import purposes_of
from podadmin.requests.service import Found, Terms
from podadmin.vault.trust import Trust, trusted_keys

if TYPE_CHECKING:
    from podadmin.app.profile import Profile

MOST_ROWS = 1000
MOST_SQL = 20_000
MOST_TOLD = 3
FILTERS = "requests"
NONE: list[str] = []
_RUNS_IN = {BUILT_IN: "the built-in worker of this pod", BITFOUNT: "the network's own pod, behind this gate"}
_POD_ENDED = frozenset({"failed", "interrupted"})
_UNKNOWN = EffectView(
    known=False,
    headline="Effects unknown: this request could not be opened.",
    reads=(),
    computes=(),
    stays=(),
    leaves=("Unknown, which counts as the worst.",),
    to="",
    risk="unknown",
    reasons=("Nothing in it could be verified.",),
)


@act("requests list")
def list_requests(
    profile: Profile,
    *,
    state: Annotated[str, "only requests in these states, separated by commas"] = "",
    search: Annotated[str, "only requests whose requester, task, data, project or reference holds this"] = "",
    limit: HowMany = 50,
    after: Annotated[str, "continue after this place, as the page before it said, in the same order"] = "",
    order: Annotated[
        Literal["newest", "oldest", "requester", "task", "datasource"], "by time, or by a column and then by time"
    ] = "newest",
) -> RequestPage:
    """List requests, the newest first unless asked otherwise."""
    if not 1 <= limit <= MOST_ROWS:
        raise BadInput(
            "request.bad-limit",
            "The list was not made.",
            f"It can show 1 to {MOST_ROWS} requests at a time.",
            "Ask for fewer and continue with `after`.",
        )
    found = service.listing(profile.store, state=state, search=search, limit=limit, after=after, order=order)
    return RequestPage(tuple(request_row(row) for row in found.rows), found.total, found.next_after, found.by_state)


@act("requests filters")
def filters(profile: Profile) -> tuple[SavedFilter, ...]:
    """Show the filters of the list of requests that were saved."""
    return saved_filters.saved(profile, FILTERS)


@act("requests filter-save", writes=True, kinds=("filter",))
def filter_save(
    profile: Profile,
    name: Annotated[str, "its name; one that there is already is replaced"],
    *,
    state: Annotated[str, "states of the requests, separated by commas"] = "",
    search: Annotated[str, "text that requests hold"] = "",
) -> tuple[SavedFilter, ...]:
    """Keep a filter of the list of requests under a name."""
    saved_filters.save(profile, FILTERS, name, {"state": state, "search": search.strip()})
    return filters(profile)


@act("requests filter-remove", writes=True, kinds=("filter",))
def filter_remove(profile: Profile, name: Annotated[str, "the name of a saved filter"]) -> tuple[SavedFilter, ...]:
    """Forget a saved filter."""
    saved_filters.remove(profile, FILTERS, name)
    return filters(profile)


@act("requests arrived")
def arrived(
    profile: Profile, *, after: Annotated[int, "the place to go on from; -1: only find the place"] = -1
) -> Arrivals:
    """Show which requests have come to wait for you since a place in the list: who, what leaves, until when."""
    found = service.arrived(profile.store, after, MOST_TOLD)
    told = profile.settings.text("desktop.notify") == "on"
    return Arrivals(tuple(_arrival(each) for each in found.found), found.more, found.after, told)


@act("requests show")
def show(profile: Profile, request: RequestId) -> RequestDetail:
    """Show what a request will do, how it was verified, and how the verdict was reached."""
    return _detail(profile, service.find(profile.store, request))


@act("requests compare")
def compare(
    profile: Profile,
    request: RequestId,
    *,
    other: Annotated[str, "the request to compare it with; without one, the last approved like it"] = "",
) -> Comparison:
    """Compare two requests: what they do differently first, then how they are written differently."""
    now = service.find(profile.store, request)
    was = service.find(profile.store, other) if other else service.last_approved_like(profile.store, now)
    if was is None:
        raise Refused(
            "request.nothing-like-it",
            "The request was not compared.",
            "No request like it was approved before.",
            "Name the request to compare it with.",
        )
    changes = difference_of(was, now)
    return Comparison(
        request_row(was.row), request_row(now.row), words_of(changes), effect_facts(changes), field_facts(changes)
    )


@act("requests left")
def left(profile: Profile, request: RequestId) -> LeftView:
    """Show what left for a request, message by message: when, what, how large, to whom, and what was kept back."""
    from podadmin.app.left_rows import left_view

    return left_view(profile, request)


@act("requests near")
def near(
    profile: Profile,
    request: RequestId,
    *,
    count: Annotated[bool, "also count by how many records they differ, where the data can be read here"] = False,
    progress: Progress,
) -> NearView:
    """Show which earlier figures of the same data this request's could be set against to learn about few records."""
    from podadmin.app.near_figures import near_view

    return near_view(profile, request, progress, count)


@act("requests why-not")
def why_not(profile: Profile, request: RequestId) -> WhyNotView:
    """Show the smallest change to the request or to a rule after which it would be allowed, each one tried."""
    from podadmin.app.rule_views import why_not_of
    from podadmin.requests.rule_service import rules_of

    found = service.find(profile.store, request)
    with profile.store.read() as connection:
        return why_not_of(connection, found.row.id, rules_of(connection))


@act("requests approve", writes=True, kinds=("request", "limit"))
def approve(
    profile: Profile,
    request: RequestId,
    *,
    note: Annotated[str, "a note for the journal"] = "",
    runs: Annotated[int, "also make a grant for this many runs to come; 0: only where it is too late for this one"] = 0,
    days: Annotated[float, "how long the grant lasts, from now; 0: as the settings say"] = 0.0,
    inferences: Annotated[float, "the most inferences of all runs of the grant; 0: the network's limits only"] = 0.0,
    vary: Annotated[list[str], "pins that may vary: " + ", ".join(sorted(MAY_VARY))] = NONE,
) -> RequestDetail:
    """Approve a request once. After its window, a grant waits for the same request to be sent again.

    With `runs`, a grant is made in the window too: it covers the same request that many more times.
    """
    found = service.find(profile.store, request)
    life = profile.settings.number("gate.grant-days")
    wanted = runs or days or inferences or vary
    terms = Terms(runs or 1, days or life, inferences or None, frozenset(vary), note) if wanted else None
    service.approve(profile.store, profile.clock, found.row.id, profile.actor, note, life, terms)
    sign_receipts(profile)
    return show(profile, found.row.id)


@act("requests refuse", writes=True, kinds=("request",))
def refuse(
    profile: Profile,
    request: RequestId,
    reason: Annotated[str, "why, in the words that the requester will read"],
) -> RequestDetail:
    """Refuse a request, with a reason that its requester will read."""
    found = service.find(profile.store, request)
    service.refuse(profile.store, profile.clock, found.row.id, profile.actor, reason)
    sign_receipts(profile)
    return show(profile, found.row.id)


def _detail(profile: Profile, found: Found) -> RequestDetail:
    findings = found.findings
    effects = _effects(findings)
    before = service.last_approved_like(profile.store, found) if comparable(found) else None
    changes = difference_of(before, found) if before is not None else ()
    entries = journal.about(profile.store, found.row.id)
    review = review_view(profile.store, found.row.id)
    with profile.store.read() as connection:
        purposes = purposes_of(connection, found.row.project)
    return RequestDetail(
        row=request_row(found.row),
        effects=effects,
        sections=_sections(
            found,
            effects,
            key_trust(profile, found.findings.get("requester_key", "")),
            purposes,
            _RUNS_IN[worker(profile.store)],
        ),
        verification=tuple(Fact(**fact) for fact in findings.get("verification", ())),
        differences=(*effect_facts(changes), *field_facts(changes)),
        difference_words=words_of(changes) if before is not None else "",
        compared_with=before.row.id if before else "",
        trace=tuple(TraceLine(**line) for line in findings.get("trace", ())),
        protocol=masked(findings.get("protocol") or {}),
        outcome=_outcome(found),
        history=tuple(row_of(entry) for entry in entries),
        may_approve=_permit(profile, service.check_approve, found),
        may_refuse=_permit(profile, service.check_refuse, found),
        review=review if review.state != "none" else None,
        reviewers=len(review.enrolled),
        grant=found.row.grant_id,
        project=found.row.project,
        receipts=receipts.references_of(profile.store, found.row.id),
        grant_days=profile.settings.number("gate.grant-days"),
    )


def _arrival(found: Found) -> Arrival:
    effects = _effects(found.findings)
    deadline = unstamp(found.row.deadline) if found.row.deadline else None
    until = f" Until {moment_words(deadline)}." if deadline else ""
    leaves = effects.leaves[0] if effects.leaves else "Nothing is known of what leaves."
    requester = stranger(found.row.requester, 60) or "An unknown requester"
    return Arrival(found.row.id, f"{requester} waits for your decision", f"{leaves}{until}", deadline)


def _permit(profile: Profile, check: Check, found: Found) -> Permit:
    try:
        with profile.store.read() as connection:
            check(connection, found, profile.actor, profile.clock.now())
    except PodadminError as error:
        return Permit(False, error.why)
    return Permit(True)


def _effects(findings: Mapping[str, Any]) -> EffectView:
    kept = findings.get("effects")
    if not kept:
        return _UNKNOWN
    always = {each["words"] for each in kept.get("outputs", ()) if each["always"]}
    lists = {**kept, "leaves": [each for each in kept["leaves"] if each not in always], "always": sorted(always)}
    names = ("reads", "computes", "stays", "leaves", "reasons", "always")
    return EffectView(
        known=kept["known"],
        headline=kept["headline"],
        to=kept["to"],
        risk=kept["risk"],
        sql=tuple(elide(visible(each, one_line=False), MOST_SQL) for each in kept.get("computed", {}).get("sql", ())),
        **{name: tuple(stranger(line, 2000) for line in lists[name]) for name in names},
    )


def key_trust(profile: Profile, key: str) -> Fact | None:
    """How far the key with this fingerprint is trusted now; None where there is none or it is not in the book."""
    known = next((each for each in trusted_keys(profile.store) if key and each.fingerprint == key), None)
    if known is None:
        return None
    if known.trust is Trust.CONFIRMED:
        return Fact("Trust in this key", f"Confirmed by {stranger(known.confirmed_by)}: {known.words}", "good")
    if known.trust is Trust.PINNED:
        return Fact("Trust in this key", f"Not yet confirmed. Compare on the Keys page: {known.words}", "warn")
    if known.trust is Trust.CHANGED:
        return Fact(
            "Trust in this key", f"The network now offers another one. Decide on the Keys page: {known.words}", "bad"
        )
    return Fact("Trust in this key", f"Trusted no more: {known.words}", "bad")


def _sections(
    found: Found, effects: EffectView, trust: Fact | None, purposes: tuple[str, ...], runs_in: str
) -> tuple[Section, ...]:
    row, findings = found.row, found.findings
    key = findings.get("requester_key", "")
    people = [Fact("Requester", stranger(row.requester) or "unknown", "plain" if row.requester else "warn")]
    if key:
        people.append(Fact("Signing key", grouped(key[:32]), mono=True))
    if trust is not None:
        people.append(trust)
    limits = findings.get("limits", ())
    data = [Fact("Datasource", stranger(row.datasource) or "not named", "plain" if row.datasource else "warn")]
    data += [Fact("Reads", line) for line in effects.reads]
    return (
        Section("People", tuple(people)),
        Section("Project", _project(row.project, purposes)),
        Section(
            "Setting",
            (
                Fact("Network", row.network),
                Fact("Runs in", runs_in),
                *(Fact("Computes", line) for line in effects.computes),
                *(Fact(stranger(each["resource"]), each["words"]) for each in limits),
                *(_model(each) for each in findings.get("models", ())),
            ),
        ),
        Section("Data", tuple(data)),
        Section(
            "Outputs",
            (
                *(
                    Fact("Leaves", line, "warn" if effects.risk in {"high", "unknown"} else "plain")
                    for line in effects.leaves
                ),
                *(Fact("With every task", line) for line in effects.always),
                *(Fact("Stays", line) for line in effects.stays),
                Fact("To", stranger(effects.to) or "unknown"),
            ),
        ),
    )


def _project(name: str, purposes: tuple[str, ...]) -> tuple[Fact, ...]:
    """What the requester says the project is, and what the custodian says it is for."""
    if not name:
        return (Fact("Project", "none named"),)
    stated = Fact("What it is for", purpose_words(purposes)) if purposes else Fact("What it is for", NOT_STATED, "warn")
    return (
        Fact("Project", stranger(name)),
        Fact("Named by", "the requester, unsigned"),
        stated,
        Fact("Stated by", "you, here; no network carries a purpose"),
    )


def _model(found: Mapping[str, str]) -> Fact:
    """What stands behind a model's name: a grant is pinned to it where it is known."""
    name = f"Behind {stranger(found['resource']) or 'the model'}"
    if found["hash"]:
        return Fact(name, f"the file with the SHA-256 {found['hash'][:16]}, which is on this pod")
    return Fact(name, "not known: the network tells no hash, so another model under this name would not show", "warn")


def _outcome(found: Found) -> tuple[Fact, ...]:
    facts = [Fact("State", stranger(found.row.state_words, 300))]
    problem = found.findings.get("problem")
    if problem:
        facts += [
            Fact("What is wrong", problem["what"], "bad"),
            Fact("Why", problem["why"]),
            Fact("What to do", problem["next_step"]),
            Fact("Code", problem["code"], mono=True),
        ]
    if found.decision is not None:
        verdict = "Approved" if found.decision.verdict == "allow" else "Refused"
        facts.append(Fact(f"{verdict} by", stranger(found.decision.by)))
        facts.append(Fact("At", moment_words(unstamp(found.decision.at))))
        if found.decision.reason:
            facts.append(Fact("Reason", stranger(found.decision.reason, 2000)))
    if found.row.reference:
        facts.append(Fact("Reference", found.row.reference, mono=True))
    if found.row.answer_words:
        told = "The requester was told" if found.row.answer == "made" else "The requester will be told"
        facts.append(
            Fact(
                "Why the pod ended it" if found.row.state in _POD_ENDED else told,
                "\n".join(stranger(line, 2000) for line in found.row.answer_words.split("\n")),
            )
        )
    return tuple(facts)
