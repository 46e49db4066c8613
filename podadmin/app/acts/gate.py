"""Acts on the gate of a real pod: see it, print the pod's environment, decide on hosts, stop tasks."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

from podadmin.app.acts.registry import act
from podadmin.app.acts.status import gate_view, pod_view
from podadmin.app.gate_wiring import network_for
from podadmin.app.left_rows import result_row
from podadmin.app.moments import moment_words
from podadmin.app.proxy_mode import folder_of, joined_kind, places_of, red_words, uploads_of
from podadmin.app.views.facts import Done
from podadmin.app.views.gate import CountRow, GateView, HostRow, NameValue, ResultRow, ResultView
from podadmin.core.errors import NotFound, PodadminError, Unavailable
from podadmin.core.text import stranger
from podadmin.datasources.masking import masked
from podadmin.gate import hosts as rules
from podadmin.gate import results
from podadmin.gate.authority import AUTHORITY_FILE, BUNDLE_FILE, end_authorities
from podadmin.gate.looking import MOST_OPENED
from podadmin.gate.outages import Outage, standing
from podadmin.gate.ports import Seen
from podadmin.gate.proxy_gate import ProxyGate, keep_port, kept_port
from podadmin.gate.result_content import SHOWN_COLUMNS, Content, content_of
from podadmin.gate.wishes import STOP, WITHHOLD, wish
from podadmin.networks import service as networks
from podadmin.networks.bitfount import codec
from podadmin.networks.bitfount import messages_pb2 as pb
from podadmin.networks.bitfount.job_request import open_job_request
from podadmin.networks.bitfount.references import reference_in
from podadmin.pod import service as pods
from podadmin.pod.environment import environment
from podadmin.pod.setup import BITFOUNT, worker
from podadmin.requests import service as requests

if TYPE_CHECKING:
    from podadmin.app.profile import Profile

RequestId = Annotated[str, "the request's id, such as req_1F8Z3K9QW2M7"]
Words = Annotated[str, "why, in words that the requester will read"]
Place = Annotated[str, "the name of the host, with :PORT after it where that is not 443"]

_COUNTS = {
    "captured": "requests captured",
    "repeated": "requests that came again",
    "delivered": "requests delivered",
    "passed": "messages let out",
    "withheld": "messages withheld",
    "held to be seen": "results kept to be seen",
    "dropped": "messages dropped that no pod waits for",
    "hosts-refused": "attempts on hosts that are refused",
    "telemetry-blocked": "measurements kept back",
    "telemetry-passed": "measurements let out",
    "unknown-refused": "unknown calls refused",
    "unknown-passed": "unknown calls let out",
    "uploads-refused": "uploads refused that were not part of a decision",
    "web-refused": "questions over the web refused",
    "access-refused": "access checks refused: not what was decided",
    "alarms": "triggers on the mailbox of a task",
}


@act("gate status")
def status(profile: Profile) -> GateView:
    """Show what stands between the pod and its network, since when, and what it has seen."""
    pod = pods.find(profile.store)
    works = worker(profile.store)
    foreign = works == BITFOUNT
    shown = GateView(
        mode="off",
        words="The gate is off: nothing can run, nothing is checked.",
        pod=pod.identifier if pod else "",
        network=_title(profile) if foreign else _local(profile, works),
        hosts=_hosts(profile, None),
    )
    engine = profile.engine
    gate = engine.gate if engine is not None else None
    if gate is None:
        stands = gate_view(profile, pod_view(profile))
        calm = stands.state in {"elsewhere", "starting", "unused"}
        words = f"{stands.words}." if calm else shown.words
        return replace(
            shown,
            mode=stands.state if calm else shown.mode,
            words=f"{words} {stands.detail}".rstrip(),
            environment=_printed(profile) if foreign else (),
        )
    seen, proxied = gate.seen, gate if isinstance(gate, ProxyGate) else None
    assert engine is not None
    blocked = engine.snapshot().state == "blocked"
    red = red_words(proxied, profile.clock) if proxied is not None else ""
    if blocked:
        words = f"The gate is blocked: {engine.snapshot().why}"
    elif proxied is not None:
        words = "The gate stands before the pod, and everything that the pod says or hears passes it."
    else:
        words = "The gate stands before the built-in worker."
    return replace(
        shown,
        mode="blocked" if blocked else "proxy" if proxied is not None else "built-in",
        words=words,
        since=seen.since,
        up_contact=seen.up_contact,
        down_contact=seen.down_contact,
        counts=_counts(seen),
        hosts=_hosts(profile, proxied),
        red=red,
        environment=_printed(profile) if proxied is not None else (),
    )


@act("gate environment")
def print_environment(profile: Profile) -> tuple[NameValue, ...]:
    """Print every variable that a pod needs which somebody else starts. It holds no secret."""
    found = _printed(profile)
    if not found:
        raise Unavailable(
            "gate.never-on",
            "There is no environment for a pod yet.",
            "The gate of a pod of the network's own software was never on in this profile.",
            "Bring the pod with `podadmin pod import FILE`, join its network, and start podadmin.",
        )
    return found


@act("gate hosts")
def list_hosts(profile: Profile) -> tuple[HostRow, ...]:
    """List the hosts of the network and every other one that the pod tried to reach, with what becomes of it."""
    engine = profile.engine
    return _hosts(profile, engine.proxy_gate if engine is not None else None)


@act("gate allow-host", writes=True, kinds=("gate",))
def allow_host(profile: Profile, host: Place, reason: Annotated[str, "why; it is recorded"]) -> tuple[HostRow, ...]:
    """Let the pod reach a host that is none of its network's. The gate does not look into what goes there."""
    _decide(profile, host, rules.ALLOWED, reason)
    return list_hosts(profile)


@act("gate refuse-host", writes=True, kinds=("gate",))
def refuse_host(profile: Profile, host: Place, reason: Annotated[str, "why; it is recorded"]) -> tuple[HostRow, ...]:
    """Let the pod not reach a host, one of those that are allowed by themselves too."""
    _decide(profile, host, rules.REFUSED, reason)
    return list_hosts(profile)


@act("gate stop-task", writes=True, kinds=("request", "gate"))
def stop_task(profile: Profile, request_id: RequestId, words: Words) -> Done:
    """Stop the task of a request that runs in the pod. Its requester is told your words."""
    wish(profile.store, profile.clock, request_id, STOP, words, profile.actor)
    return Done("The task is being stopped; its requester is told.", request_id)


@act("gate withhold", writes=True, kinds=("request", "gate"))
def withhold(profile: Profile, request_id: RequestId, words: Words) -> Done:
    """Withhold what a running task still brings, and end it. Its requester is told your words and gets no result."""
    wish(profile.store, profile.clock, request_id, WITHHOLD, words, profile.actor)
    return Done("Nothing more of this task leaves; its requester is told.", request_id)


@act("gate results")
def list_results(profile: Profile) -> tuple[ResultRow, ...]:
    """List the results that wait to be seen before they leave."""
    return tuple(map(result_row, results.waiting(profile.store)))


@act("gate show-result")
def show_result(
    profile: Profile,
    result_id: Annotated[str, "the result's id, as `gate results` lists it"],
    *,
    values: Annotated[bool, "show the values of its first rows, and not only their shape"] = False,
) -> ResultView:
    """Show what is in a result that waits: opened here with the key of its task, with the shape of its first rows."""
    found = next((each for each in results.waiting(profile.store) if each.id == result_id), None)
    if found is None:
        raise NotFound(
            "gate.no-result",
            "There is no such result.",
            "It has gone, was withheld, or its name was mistyped.",
            "See what waits with `podadmin gate results`.",
        )
    content = _content(profile, found)
    promised = requests.find(profile.store, found.request_id).findings.get("effects") or {}
    return ResultView(
        row=result_row(found),
        what=content.what,
        rows=content.rows,
        columns=tuple(stranger(name, 120) for name in (content.columns or ())[:SHOWN_COLUMNS]),
        sample=tuple(
            tuple((name, cell if values else masked(cell)) for name, cell in line.items()) for line in content.sample
        ),
        promised=stranger(str(promised.get("headline", "")), 400),
        masked=not values,
    )


@act("gate release-result", writes=True, kinds=("request", "gate"))
def release_result(
    profile: Profile,
    request_id: RequestId,
    *,
    through: Annotated[str, "only this result and what came before it, by its id as `gate results` lists it"] = "",
) -> Done:
    """Let the results of a request that wait go to its requester: all of them, or no more than you have looked at."""
    gone = results.release(profile.store, profile.clock, request_id, profile.actor, through)
    more = f" What has come since still waits to be seen: {gone.still}." if gone.still else ""
    return Done(f"The results go to the requester.{more}", f"{gone.messages} messages")


@act("gate renew-authority", writes=True, kinds=("gate", "key"))
def renew_authority(profile: Profile) -> Done:
    """Make a new certificate authority for the gate at once. A pod that runs has to be started again."""
    count = end_authorities(profile.open_vault(), profile.store, profile.clock, profile.actor)
    return Done("The gate takes a new authority when it is switched on again.", f"{count} ended")


@act("gate new-port", writes=True, kinds=("gate",))
def new_port(profile: Profile) -> Done:
    """Let the gate choose another port when it is switched on again. A pod that runs has to be started again."""
    keep_port(profile.store, 0, profile.actor)
    return Done("The gate chooses another port when it is switched on again.", "")


def _content(profile: Profile, found: results.Waiting) -> Content:
    message = pb.BitfountMessage.FromString(found.wire)
    body, url = message.body, reference_in(message.body)
    if url is not None:
        uploads = uploads_of(profile)
        upload = uploads.of(url, found.request_id)
        if upload is None:
            return Content("a large result that does not lie here any more")
        if (upload.size or 0) > MOST_OPENED:
            return Content(f"a result of {upload.size:,} bytes, which is too large to be opened here")
        with uploads.opened(upload) as file:
            body = file.read()
    sealed = requests.bytes_of(profile.store, found.request_id).body
    key = open_job_request(sealed, profile.open_vault().pod_key(), None).session_key
    try:
        return content_of(codec.open_session(key, body))
    except PodadminError as error:
        return Content(f"something that could not be opened with the key of its task ({error.code})")


def _decide(profile: Profile, host: str, verdict: str, reason: str) -> None:
    places = places_of(profile, joined_kind(profile))
    rules.decide(profile.store, profile.clock, places, host, verdict, profile.actor, reason)


def _local(profile: Profile, works: str) -> str:
    return "Local network" if network_for(works, networks.joined(profile.store)) is not None else ""


def _title(profile: Profile) -> str:
    try:
        return places_of(profile, joined_kind(profile)).title
    except PodadminError:
        return ""


def _counts(seen: Seen) -> tuple[CountRow, ...]:
    counted = seen.summary()
    return tuple(CountRow(key, words, counted[key]) for key, words in _COUNTS.items() if counted.get(key))


def _hosts(profile: Profile, gate: ProxyGate | None) -> tuple[HostRow, ...]:
    try:
        places = places_of(profile, joined_kind(profile))
    except PodadminError:
        return ()
    own = [HostRow(host, "inspected", words="The network's own: the gate looks into it.") for host in places.hosts]
    now = gate.hosts.counts() if gate is not None else {}
    rows = []
    known = {each.place: each for each in rules.listing(profile.store)}
    lost = {each.host: each for each in standing(profile.store)}
    own = [replace(each, words=_lost_words(lost[each.host])) if each.host in lost else each for each in own]
    for place in dict.fromkeys([*now, *known, *places.tunnelled]):
        kept = known.get(place)
        usual = place in places.tunnelled
        verdict = (kept.verdict if kept is not None else "") or ("allowed" if usual else "refused")
        count = max(kept.count if kept is not None else 0, now[place][0] if place in now else 0)
        last = now[place][1] if place in now else kept.last_at if kept is not None else None
        gone = lost.get(place.partition(":")[0]) if verdict == "allowed" else None
        words = _lost_words(gone) if gone is not None else _words(kept, usual)
        rows.append(HostRow(place, verdict, count, last, words, may_allow=place != rules.OTHERS))
    return (*own, *rows)


def _lost_words(lost: Outage) -> str:
    return f"The hospital's proxy does not lead to it since {moment_words(lost.since)}. {lost.why}"


def _words(kept: rules.Host | None, usual: bool) -> str:
    if kept is not None and kept.verdict:
        said = "Allowed" if kept.verdict == rules.ALLOWED else "Refused"
        return f"{said} by {stranger(kept.decided_by, 60)}: {stranger(kept.reason, 200)}"
    if usual:
        return "Needed for the network's log-in; the gate does not look into it."
    return "Nobody has allowed it."


def _printed(profile: Profile) -> tuple[NameValue, ...]:
    """The environment by what is kept, also while no gate runs here; empty where none ever did."""
    number = kept_port(profile.store)
    folder = folder_of(profile)
    authority, bundle = folder / AUTHORITY_FILE, folder / BUNDLE_FILE
    try:
        places = places_of(profile, joined_kind(profile))
    except PodadminError:
        return ()
    if not number or not authority.exists() or not bundle.exists():
        return ()
    found = environment(
        f"http://127.0.0.1:{number}",
        Path(bundle).absolute(),
        Path(authority).absolute(),
        places.names,
        os.environ.get("no_proxy", os.environ.get("NO_PROXY", "")),
    )
    return tuple(NameValue(name, value) for name, value in found.items())
