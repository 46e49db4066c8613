"""The acts of the journal in plain words, for the page, the commands and the history of a thing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from podadmin.app.views.journal import JournalRow
from podadmin.core.clock import unstamp
from podadmin.core.text import stranger
from podadmin.journal.chain import Entry

WORDS: dict[str, str] = {
    "profile.made": "The profile was made",
    "keyring.chosen": "It was chosen where secrets live: {subject}",
    "key.created": "The {purpose} key was made ({kind})",
    "key.created:name": "The {purpose} key of {name} was made ({kind})",
    "key.imported": "The {purpose} key was taken over from a file ({kind})",
    "key.rotated": "The {purpose} key was replaced; the old one is accepted until {accepted_until}",
    "key.ended": "A replaced {purpose} key is not accepted any more",
    "key.revoked": "The {purpose} key was revoked: {reason}",
    "key.handed-over": "The pod key was handed over for {for}",
    "key.taken-back": "The files of the pod key are gone after {seconds} seconds; no pod had read them",
    "key.taken-back:read": "The pod had read its key; the files are gone after {seconds} seconds",
    "key.used": "A private key was used",
    "key.pinned": "The key of {subject} was seen for the first time and pinned",
    "key.offered": "Another key came under the name of {subject}; it is refused",
    "key.confirmed": "The key of {subject} was confirmed by its words",
    "key.replaced": "Another key of {subject} was taken in place of the pinned one: {reason}",
    "key.kept": "Another key of {subject} was turned away: {reason}",
    "key.distrusted": "The key of {subject} is not trusted any more: {reason}",
    "keyring.exchanged": "The key-encryption key was replaced: {files} files were sealed anew",
    "secret.kept": "A secret was kept: {holder}",
    "secret.used": "A secret was used",
    "secret.removed": "A secret was forgotten: {holder}",
    "file.removed": "A file that held a secret in clear was removed: {file}",
    "file.given-back": "A sealed file was written back in clear: {file}",
    "profile.restored": "The profile was restored from the backup {backup}",
    "backup.begun": "A backup was begun: {file}, {lock}",
    "backup.made": "A backup was made: {file}, up to entry {entries}",
    "backup.tested": "Restoring a backup was tried with success: {entries} entries",
    "backup.tested:problem": "A backup could not be restored when it was tried ({problem})",
    "lock.locked": "The window was locked",
    "lock.unlocked": "The window was unlocked ({by})",
    "lock.refused": "Somebody could not prove who they are",
    "pod.created": "The pod {name} was made",
    "pod.paused": "The pod was paused: {reason}",
    "pod.resumed": "The pod was resumed",
    "pod.brought": "The pod {pod} was brought from {source}, with {datasources} datasources",
    "pod.configured": "The pod's configuration was changed",
    "pod.start-changed": "How the pod is started was changed: {program}",
    "pod.worker-chosen": "Who does the pod's work was chosen: {worker}",
    "pod.start-asked": "The pod is to run",
    "pod.stop-asked": "The pod is to stop",
    "pod.stop-asked:reason": "The pod is to stop: {reason}",
    "pod.reloaded": "The running pod was given its datasources: {datasources}",
    "pod.reload-failed": "The running pod did not take its datasources ({code})",
    "hub.registered": "The pod was made known at the hub of {network}",
    "hub.publishing": "The schema of {subject} is about to be published: {columns} columns",
    "hub.published": "The schema of {subject} was published",
    "hub.archived": "{subject} was taken off the hub",
    "hub.linked": "{subject} was linked to the project {project}",
    "datasource.added": "The datasource {name} was connected",
    "datasource.checked": "The datasource was checked",
    "datasource.changed": "The datasource {name} was set up differently",
    "datasource.health-changed": "The datasource {name} is {state}; it was {was}",
    "datasource.health-changed:cause": "The datasource {name} is {state}: {cause}",
    "datasource.described": "Descriptions of {columns} columns were kept",
    "datasource.removed": "The datasource was removed: {reason}",
    "schema.saved": "A schema was generated and saved: {records} records",
    "schema.taken": "The schema that the pod {pod} tells was taken and saved: {columns} columns",
    "schema.exported": "The schema was exported",
    "schema.described": "Descriptions of columns were added to the schema",
    "schema.confirmed": "What {columns} columns reveal was looked at and confirmed",
    "schema.labels-decided": "{labels} labels of {column} were decided on: {kind}",
    "schema.told-again": "What was withheld or merged of {column} was taken back",
    "schema.released": "The schema was released to be published: {columns} columns, {labels} labels",
    "schema.generation-begun": "The generation of a schema began",
    "schema.generation-ended": "The generation of a schema ended: {state}",
    "network.joined": "The network was joined",
    "network.left": "The network was left",
    "request.captured": "A request was captured and kept sealed ({bytes} bytes)",
    "request.opened": "The request was opened and checked: {verdict_words}",
    "request.held": "The request waits for a decision",
    "request.approved": "The request was approved",
    "request.approved:grant": "The request was approved by the grant {grant}",
    "request.approved:rule": "The request was approved by the rule {rule}",
    "request.approved:note": "The request was approved: {note}",
    "request.refused": "The request was refused",
    "request.refused:reason": "The request was refused: {reason}",
    "request.refused:by": "The request was refused by {by} ({code})",
    "request.lapsed": "Nobody decided in time: held with the reference {reference}",
    "request.too-late": "Approved, but too late to deliver: held with the reference {reference}",
    "request.delivering": "The request went to the pod",
    "request.delivery-undone": "The delivery was taken back: the pod had not begun",
    "request.started": "The pod accepted the task and began",
    "request.result": "A result of {bytes} bytes came out of the pod",
    "request.result:withheld": "A result of {bytes} bytes was not passed on: it would exceed the limit",
    "request.listed": "What left for it was written down: {messages} messages, {bytes} bytes",
    "request.sent": "A message of {bytes} bytes of the type {type} came out of the pod",
    "request.finished": "The task finished and its results were passed on",
    "request.stopped": "The task was stopped",
    "request.failed": "The pod ended the task early",
    "request.interrupted": "The task was interrupted: the pod stopped",
    "request.answered": "The requester was told: {kind_words}",
    "request.answered:problem": "The requester could not be told ({problem})",
    "request.held-again": "The request is held again: the grant {grant} has ended",
    "grant.wanted": "A grant was asked for: {runs} runs",
    "grant.made": "A grant was made for the request {request}: {runs} runs until {expires}",
    "grant.voided": "The grant was voided by the request {request}: a pin has changed",
    "grant.voided:project": "The grant was voided: another purpose was stated for the project {project}",
    "grant.revoked": "The grant was revoked: {reason}",
    "grant.varied": "The pin {pin} of the grant may vary from now on: {reason}",
    "grant.settled": "What was reserved under the grant and not used came back: {back}",
    "decider.named": "{account} may decide from now on: {reason}",
    "decider.named:stands_for": "{account} may decide in the place of {stands_for} until {until}: {reason}",
    "decider.ended": "{account} may not decide any more: {reason}",
    "reviewer.enrolled": "{name} can review from now on ({kind})",
    "reviewer.removed": "A reviewer was removed: {reason}",
    "review.wanted": "A review was asked for: {needed} votes",
    "review.asked": "{needed} reviewers have to say yes: {why}",
    "review.cast": "A vote was cast; it is sealed until all are in",
    "review.opened": "All votes are in: {result}",
    "receipt.made": "A receipt was made for entry {entry}",
    "receipt.signed": "Receipts were signed: {receipts}",
    "limit.checked": "The network was asked for the limits",
    "limit.checked:refused": "The network was asked for the limits, and nothing was left for the request",
    "limit.set": "A limit was set: {words}, because: {reason}",
    "limit.set:was": "A limit was changed to {words}, because: {reason}",
    "limit.removed": "The limit {words} was removed: {reason}",
    "limit.threshold": "{used} of {limit} inferences of {model} are used",
    "limit.threshold:own": "{used} of {limit} inferences are used of your own limit, {own}",
    "limit.alarm": "{title}: {model}. {words}",
    "limit.acknowledged": "{title}: seen to. {reason}",
    "limit.acknowledged:accepted": "{title}: the network's total of {accepted} was accepted. {reason}",
    "limit.reconciling": "Promises to requests that have ended were looked for: {requests}",
    "limit.reconciled": "What was promised to a request that has ended came back",
    "gate.authority-made": "The gate's certificate authority was made, for its network's hosts only, until {until}",
    "gate.authority-ended": "The gate's certificate authority is not believed any more",
    "gate.host-refused": "The pod tried to reach {subject} and was refused (attempt {count})",
    "gate.host-reached": "The pod reached {subject}, which is allowed (attempt {count})",
    "gate.host-allowed": "The pod may reach {subject} from now on: {reason}",
    "gate.host-forbidden": "The pod may not reach {subject}: {reason}",
    "gate.way-out-lost": "The hospital's proxy does not lead to {subject}: {why}",
    "gate.way-out-back": "The hospital's proxy leads to {subject} again",
    "gate.port-chosen": "The gate listens on port {port} for the pod",
    "gate.pod-connected": "A pod connected behind the gate, with {datasets} datasets",
    "gate.result-held:reasons": "A {type} of {bytes} bytes waits to be seen before it leaves: {reasons}",
    "gate.result-held": "A {type} of {bytes} bytes waits to be seen before it leaves",
    # not recorded any more, and in journals of before
    "gate.result-copied": "A {type} of {bytes} bytes was read where it lay, and goes to the requester as it was read",
    "gate.result-queued": "A {type} of {bytes} bytes may go to the requester, and was kept until it could be sent",
    "gate.result-released": "What the task brought was seen and let go: {messages} messages",
    "gate.result-sent:problem": "A {type} that was let go reached nobody ({problem}): {why}",
    "gate.result-sent:body": "A {type} that had waited has gone to the requester: {bytes} bytes",
    "gate.result-sent": "A message that had waited has gone to the requester",
    "gate.stop-wanted": "It was asked to stop the task: {words}",
    "gate.withholding-wanted": "It was asked to withhold what the task brings: {words}",
    "gate.wish-done": "The task was ended by hand: {outcome}",
    "gate.odd-use": "A result told an amount that is no number of inferences",
    "gate.undelivered-use": "The pod told use for a task that does not run",
    "limit.used": "{amount} inferences were used; {used} in all",
    "rule.added": "The rule “{name}” was put into force: {reason}",
    "rule.changed": "The rule “{name}” was changed to version {version}: {reason}",
    "rule.removed": "The rule “{name}” was removed: {reason}",
    "rule.purpose-stated": "It was stated what the project {subject} is for: {words}",
    "setting.changed": "The setting {subject} was changed from {was} to {now}",
    "journal.exported": "The journal was exported: {entries} entries",
    "journal.exported:format": "The journal was exported ({format}): {selection}, {entries} entries",
    "journal.anchored": "The journal's head was kept everywhere at once: {places} places",
    "journal.anchor-printed": "A sheet was written that proves the journal up to entry {entry}",
    "journal.place-added": "The journal's head is kept elsewhere too: {place}",
    "journal.place-removed": "The journal's head is no longer kept at {place}",
    "journal.time-stamped": "{authority} stamped entry {entry} with its time",
    "filter.saved": "A filter of the list of {of} was saved: {subject}",
    "filter.removed": "A saved filter of the list of {of} was removed: {subject}",
    "journal.filter-saved": "A filter of the journal was saved: {subject}",
    "journal.filter-removed": "A saved filter of the journal was removed: {subject}",
    "tour.started": "The tour was set up with demo data",
}

_ANSWERS = {
    "reject": "it was refused or held",
    "abort": "the task was ended",
    "pass": "the pod's own last word was passed on",
}
_VERDICTS = {
    "hold": "somebody has to decide",
    "allow": "a grant or a rule covers it",
    "refuse": "the gate or a rule refuses it",
}


def row_of(entry: Entry) -> JournalRow:
    """An entry as it is shown. A body that cannot be read is shown as its text: the chain says whether it is right."""
    body = read_body(entry)
    return JournalRow(
        entry.seq,
        unstamp(entry.at),
        stranger(entry.actor),
        entry.act,
        stranger(entry.subject),
        words_of(entry.act, entry.subject, body),
        body,
        entry.hash,
        entry.previous,
    )


def read_body(entry: Entry) -> Mapping[str, Any]:
    try:
        body = json.loads(entry.body)
    except ValueError:
        return {"unreadable": stranger(entry.body, 500)}
    return body if isinstance(body, dict) else {"value": body}


def words_of(act: str, subject: str, body: Mapping[str, Any]) -> str:
    """The sentence for an act; facts that its body lacks are left out as `…`.

    An act with a sentence of its own for one of its facts (`act:fact`) is told by that one where the fact is there.
    """
    facts = {name: stranger(_plain(value), 200) for name, value in body.items()}
    facts["verdict_words"] = _VERDICTS.get(str(body.get("verdict")), "…")
    facts["kind_words"] = _ANSWERS.get(str(body.get("kind")), "…")
    special = next((WORDS[f"{act}:{name}"] for name, value in body.items() if value and f"{act}:{name}" in WORDS), "")
    return (special or WORDS.get(act, act)).format_map(_Lenient(facts, subject=stranger(subject)))


def _plain(value: object) -> str:
    if isinstance(value, int) and not isinstance(value, bool):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.6g}" if abs(value) < 1e6 else f"{value:,.0f}"
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return ", ".join(value) or "nothing"
    return "nothing" if value is None else str(value)


class _Lenient(dict[str, str]):
    def __init__(self, facts: Mapping[str, str], subject: str) -> None:
        super().__init__(facts)
        self.setdefault("subject", subject)

    def __missing__(self, key: str) -> str:
        return "…"
