"""The evidence pack: one PDF for a data protection officer, an ethics board or an auditor.

Record of processing activities (GDPR, Art. 30(1)), annex to a data protection impact assessment (Art. 35(7)), Five
Safes table, the requests with their decisions, and how the journal was proved. What podadmin cannot know is left to be
filled in by hand, and says so: the pack never guesses. From the same journal it is the same file.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import BinaryIO

from podadmin.app.exports.pack_facts import SHOWN_REQUESTS, PackFacts
from podadmin.app.exports.paper import Paper
from podadmin.app.views.journal import JournalCheck
from podadmin.core.text import grouped, stranger

BY_HAND = "To be filled in by the controller: podadmin does not know it."


def write_pack(file: BinaryIO, facts: PackFacts) -> int:
    """Write the pack; returns how many entries it tells of."""
    binding = facts.binding
    name = binding.pod or binding.profile
    foot = f"Evidence pack of {stranger(name, 40)} · entry {binding.seq} · hash {binding.hash[:16]}…"
    paper = Paper(f"Evidence pack of {stranger(name, 80)}", foot, binding.made_at)
    _cover(paper, facts, name)
    _article_30(paper, facts)
    _assessment(paper, facts)
    _five_safes(paper, facts)
    _requests(paper, facts)
    _journal(paper, facts)
    paper.save(file)
    return facts.heard.entries


def _cover(paper: Paper, facts: PackFacts, name: str) -> None:
    binding, heard = facts.binding, facts.heard
    paper.heading("Evidence pack", 0)
    paper.words(f"The pod {name}: {facts.selection.words}.", size=11)
    paper.facts(
        [
            ("Made", f"{binding.made_at:%d %B %Y, %H:%M} UTC by {binding.made_by} with podadmin {binding.podadmin}"),
            ("Belongs to entry", f"{binding.seq:,} of the journal, recorded {binding.at:%d %B %Y, %H:%M} UTC"),
            ("Recorded", "This export is itself an entry." if binding.recorded else "No: an auditor made it."),
            ("Entries told of", f"{heard.entries:,}"),
            ("Requests told of", f"{facts.all_requests:,}"),
        ]
    )
    paper.words("Hash of that entry", "muted", 8)
    paper.code(grouped(binding.hash))
    paper.words(facts.check.words, _tone(facts.check))
    paper.words(
        "Everything here is drawn from the journal of the pod and from the records that it proves. It is evidence and "
        "no legal advice; whoever answers for the data has to complete and to confirm it.",
        "muted",
    )


def _article_30(paper: Paper, facts: PackFacts) -> None:
    paper.heading("1  Record of processing activities")
    paper.words("General Data Protection Regulation, Article 30(1).", "muted", 8.5)
    sources = "\n".join(
        f"{each.name} ({each.kind}): {each.records} records, {each.columns} columns" for each in facts.sources
    )
    people = ", ".join(sorted({each.requester for each in facts.requests})) or "Nobody in this selection."
    projects = ", ".join(sorted({each.project for each in facts.requests if each.project}))
    purposes = f"Named by requests: {projects}." if projects else "No request named a project."
    channels = ", ".join(facts.networks) or "none joined"
    paper.facts(
        [
            ("(a) Controller, representative, data protection officer", BY_HAND),
            ("(b) Purposes", f"{purposes} Legal basis: {BY_HAND[0].lower()}{BY_HAND[1:]}"),
            (
                "(c) Categories of people and of data",
                f"{sources or 'No datasource is connected.'}\nCategories: {BY_HAND}",
            ),
            ("(d) Recipients", f"{people}\nNetworks: {channels}."),
            ("(e) Third countries", BY_HAND),
            (
                "(f) Time limits for erasure",
                (
                    f"Journal and decisions: at least {facts.keep_years} years. podadmin deletes nothing by itself. "
                    f"Data at its source: {BY_HAND[0].lower()}{BY_HAND[1:]}"
                ),
            ),
            (
                "(g) Security measures",
                (
                    "No task runs without a decision that was recorded before. Requests are opened, and their "
                    "signatures checked, in the pod. Keys lie sealed; their secret lies in the keyring. The journal is "
                    "chained by hashes and anchored outside its database. Results are metered and can be withheld."
                ),
            ),
        ]
    )


def _assessment(paper: Paper, facts: PackFacts) -> None:
    paper.heading("2  Annex to the data protection impact assessment")
    paper.words("General Data Protection Regulation, Article 35(7).", "muted", 8.5)
    paper.heading("Processing operations", 2)
    paper.rows(
        ("What happened", "Times"),
        [
            ("Requests that arrived", f"{facts.count('request.captured'):,}"),
            ("Approved", f"{facts.count('request.approved'):,}"),
            ("Refused", f"{facts.count('request.refused'):,}"),
            ("Nobody decided in time", f"{facts.count('request.lapsed'):,}"),
            ("Tasks that the pod began", f"{facts.count('request.started'):,}"),
            ("Results passed on", f"{facts.count('request.result') - facts.heard.withheld:,}"),
            ("Results not passed on because of a limit", f"{facts.heard.withheld:,}"),
            ("Bytes that left as results", f"{facts.heard.bytes_out:,}"),
        ],
        (7, 3),
    )
    if facts.heard.used:
        paper.heading("Inferences by model", 2)
        paper.rows(
            ("Model", "Inferences"),
            [(stranger(name), f"{amount:,.6g}") for name, amount in _most(facts.heard.used)],
            (7, 3),
        )
    paper.heading("Necessity and proportionality", 2)
    paper.words(BY_HAND)
    paper.heading("Risks", 2)
    risks = [
        (risk, f"{sum(each.risk == risk for each in facts.requests):,}")
        for risk in ("high", "medium", "low", "unknown")
    ]
    paper.rows(("Risk of the effects, by podadmin's rule", "Requests shown in this pack"), risks, (7, 3))
    paper.words(f"Assessment of these risks: {BY_HAND[0].lower()}{BY_HAND[1:]}")
    paper.heading("What went wrong", 2)
    paper.rows(
        ("What", "Times"),
        [
            ("Tasks that failed, were interrupted or stopped", _sum(facts, "failed", "interrupted", "stopped")),
            ("Deliveries that were taken back", _sum(facts, "delivery-undone")),
            ("Approved too late to deliver", _sum(facts, "too-late")),
        ],
        (7, 3),
    )


def _tone(check: JournalCheck) -> str:
    if check.state != "whole":
        return "bad"
    return "good" if check.anchored_to is not None else "warn"


def _most(used: Mapping[str, float]) -> list[tuple[str, float]]:
    return sorted(used.items(), key=lambda item: -item[1])[:50]


def _sum(facts: PackFacts, *names: str) -> str:
    return f"{facts.count(*(f'request.{name}' for name in names)):,}"


def _five_safes(paper: Paper, facts: PackFacts) -> None:
    paper.heading("3  Five Safes")
    requests = facts.requests
    verified = sum(each.verified == "verified" for each in requests)
    deciders = ", ".join(stranger(name) for name, _ in facts.heard.people.most_common(12)) or "nobody"
    projects = sorted({each.project for each in requests if each.project})
    leaves = _said(requests, "leaves")
    paper.rows(
        ("Dimension", "What the journal shows"),
        [
            (
                "Safe people",
                f"{verified:,} of {len(requests):,} requests bore a signature that was right. Acting here: {deciders}.",
            ),
            ("Safe projects", f"Named: {', '.join(projects)}." if projects else "No request named a project."),
            (
                "Safe settings",
                "Tasks ran in the pod behind its gate; nothing was delivered without an entry before it.",
            ),
            ("Safe data", _said(requests, "reads") or "Nothing was read."),
            ("Safe outputs", leaves or "Nothing left the pod."),
        ],
        (2, 8),
        first_bold=True,
    )


def _said(requests: Sequence[object], part: str) -> str:
    """What the effect statements say, each sentence once, at most twenty of them."""
    said: dict[str, int] = {}
    for each in requests:
        effects = getattr(each, "findings", {}).get("effects")
        lines = effects.get(part) if isinstance(effects, dict) else None
        for line in lines if isinstance(lines, list) else ():
            said[stranger(str(line), 240)] = said.get(stranger(str(line), 240), 0) + 1
    most = sorted(said.items(), key=lambda item: -item[1])
    more = f"\nand {len(most) - 20} more kinds of effect" if len(most) > 20 else ""
    return "\n".join(f"{line} ({times} ×)" if times > 1 else line for line, times in most[:20]) + more


def _requests(paper: Paper, facts: PackFacts) -> None:
    paper.heading("4  Requests and decisions")
    if facts.all_requests > SHOWN_REQUESTS:
        left = facts.all_requests - SHOWN_REQUESTS
        paper.words(
            f"The newest {SHOWN_REQUESTS}. {left:,} older ones are in the JSON Lines export of the same selection."
        )
    if not facts.requests:
        paper.words("None in this selection.")
        return
    lines = []
    for each in reversed(facts.requests):
        verdict, by, why = each.decision
        decided = f"{verdict} by {by}" + (f": {why}" if why else "") if verdict else "not decided"
        lines.append(
            (
                f"{each.received_at[:16].replace('T', ' ')}\n{each.id}",
                each.requester,
                f"{each.task}\n{each.datasource}",
                each.state,
                decided,
            )
        )
    paper.rows(("Arrived (UTC)", "Requester", "Task and data", "State", "Decision"), lines, (26, 18, 30, 13, 33))


def _journal(paper: Paper, facts: PackFacts) -> None:
    heard, check = facts.heard, facts.check
    paper.heading("5  The journal and its proof")
    paper.words(check.words, _tone(check))
    for problem in check.problems[1:] + check.notes:
        paper.words(problem, "bad" if problem in check.problems else "muted")
    if check.anchors:
        paper.rows(
            ("Head kept in", "Proves"),
            [(stranger(each.place, 80), each.words) for each in check.anchors],
            (4, 6),
        )
    if heard.first is not None and heard.last is not None:
        paper.words(
            f"Entries {heard.first.seq:,} to {heard.last.seq:,}, {heard.first.at[:19]}Z to {heard.last.at[:19]}Z."
        )
    paper.rows(
        ("Act", "Entries"), [(stranger(act, 60), f"{count:,}") for act, count in sorted(heard.acts.items())], (7, 3)
    )
