"""Every place where the journal's head is kept, and what is found there: the keyring, files, stamps, what is given.

Reading tells of each place by itself: one that cannot be read proves nothing, neither way, and does not keep the
others from being used. A place that holds something this pod has not signed is a finding.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from sqlalchemy import delete, func, insert, select

from podadmin.app.views.journal import AnchorView
from podadmin.core.clock import new_id, stamp
from podadmin.core.errors import BadInput, NotFound, PodadminError, Refused, Tampered
from podadmin.core.files import read_named
from podadmin.core.late import Late
from podadmin.core.text import stranger
from podadmin.journal import service
from podadmin.journal.anchors import anchor_of, read_file, write_file
from podadmin.journal.chain import KEYRING, Anchor, Entry, moment_of
from podadmin.journal.records import anchor_place, journal_entry, time_stamp
from podadmin.pod import service as pods
from podadmin.store.unit import Fact

if TYPE_CHECKING:
    from podadmin.app.profile import Profile
    from podadmin.journal import time_stamps
    from podadmin.vault.handles import Signer
else:
    # the certificates and the client of an authority cost a start what most starts do not use
    time_stamps = Late("podadmin.journal.time_stamps")

FILE, STAMP = "file", "time-stamp"
_LARGEST_CERTIFICATE = 256 * 1024


@dataclass(frozen=True)
class Place:
    """A place besides the keyring. `place` is a path or an address; `certificate` PEM text for an authority."""

    id: str
    kind: str
    place: str
    certificate: str


@dataclass(frozen=True)
class Kept:
    """What was found at one place: an anchor, or the error that it gave; neither where nothing is kept yet."""

    id: str
    kind: str
    place: str
    anchor: Anchor | None = None
    error: PodadminError | None = None


def places(profile: Profile) -> tuple[Place, ...]:
    """The places that were added, oldest first."""
    with profile.store.read() as connection:
        rows = connection.execute(select(anchor_place).order_by(anchor_place.c.added_at, anchor_place.c.id)).all()
    return tuple(Place(row.id, row.kind, row.place, row.certificate) for row in rows)


def kept_anchors(profile: Profile, given: Sequence[Path] = ()) -> tuple[Kept, ...]:
    """What each place holds. Raises what the store raises; what a place raises is told of that place."""
    if profile.keyring_choice is None or not profile.vault.keys():
        return ()
    try:
        signer = profile.vault.journal_signer()
    except PodadminError as error:
        return (Kept("keyring", "keyring", KEYRING, error=error),)
    found = [_kept("keyring", "keyring", KEYRING, partial(service.read_anchor, profile.vault, signer))]
    for place in places(profile):
        read = (
            partial(read_file, Path(place.place), signer) if place.kind == FILE else partial(_stamped, profile, place)
        )
        found.append(_kept(place.id, place.kind, place.place, read))
    found += [_kept("given", "given", str(path), partial(read_file, path, signer)) for path in given]
    return tuple(found)


def views(kept: Sequence[Kept], last: int, broken: str = "") -> tuple[AnchorView, ...]:
    """Each place in words, for a journal that ends with entry `last`; `broken` is why a chain does not fit."""
    return tuple(_view(each, last, broken) for each in kept)


def add_file(profile: Profile, path: Path) -> Place:
    """Keep the head in this file from now on. Raises what writing the file raises, Refused (`journal.place-twice`)."""
    _not_twice(profile, str(path))
    _write(profile, path)
    place = Place(new_id("anchor"), FILE, str(path), "")
    _record(profile, place)
    return place


def add_authority(profile: Profile, address: str, certificate: Path) -> Place:
    """Have the head stamped by this authority from now on.

    Raises BadInput (`journal.bad-address`, `journal.bad-certificate`), what asking raises, Refused.
    """
    checked = time_stamps.check_address(address)
    _not_twice(profile, checked)
    try:
        pem = read_named(certificate, _LARGEST_CERTIFICATE)
    except OSError:
        pem = b""
    roots = time_stamps.roots_of(pem)
    head = _head(profile)
    place = Place(new_id("anchor"), STAMP, checked, pem.decode("ascii"))
    answer = time_stamps.ask(checked, head, roots)
    _record(profile, place)
    _keep_stamp(profile, place, answer, profile.actor)
    return place


def forget(profile: Profile, name: str) -> Place:
    """Use a place no longer; what it holds stays there. Raises NotFound (`journal.no-such-place`)."""
    place = next((each for each in places(profile) if each.id == name), None)
    if place is None:
        raise NotFound(
            "journal.no-such-place",
            "Nothing was changed.",
            f"There is no anchor called {stranger(name, 40)!r}.",
            "See the anchors with `podadmin journal anchors`.",
        )
    fact = Fact(profile.actor, "journal.place-removed", place.id, {"kind": place.kind, "place": stranger(place.place)})
    with profile.store.record(fact) as unit:
        unit.execute(delete(anchor_place).where(anchor_place.c.id == place.id))
    return place


def anchor_everywhere(profile: Profile) -> tuple[AnchorView, ...]:
    """Keep the head in the keyring, in every file and with every authority. What fails is told of its place.

    Raises what unlocking the vault raises, NotFound (`vault.no-key`).
    """
    signer = _signer(profile)
    with profile.store.record(Fact(profile.actor, "journal.anchored", "", {"places": 1 + len(places(profile))})):
        pass
    failed = [*have_stamped(profile, profile.actor), *anchor_files(profile)]
    service.anchor_head(profile.store, profile.vault, signer, profile.clock)
    last = _head(profile).seq
    views_now = views(kept_anchors(profile), last)
    if failed and all(view.state in ("good", "behind") for view in views_now):
        raise failed[0]
    return views_now


def write_sheet(profile: Profile, to: Path) -> int:
    """Write the head as a sheet to be printed; the number of the entry that it proves. Raises what writing raises."""
    from podadmin.app.exports.sheet import write_sheet as write

    signer, head = _signer(profile), _head(profile)
    pod = pods.find(profile.store)
    write(to, anchor_of(head, profile.clock), signer, stranger(pod.identifier) if pod else profile.id)
    body = {"entry": head.seq, "hash": head.hash}
    with profile.store.record(Fact(profile.actor, "journal.anchor-printed", to.name, body)):
        pass
    return head.seq


def anchor_files(profile: Profile) -> tuple[PodadminError, ...]:
    """Bring every file up to the head; what could not be written, and why."""
    problems: list[PodadminError] = []
    for place in places(profile):
        if place.kind == FILE:
            try:
                _write(profile, Path(place.place))
            except PodadminError as error:
                problems.append(error)
    return tuple(problems)


def have_stamped(profile: Profile, actor: str) -> tuple[PodadminError, ...]:
    """Have each authority stamp the head, unless nothing happened since its last stamp; what failed, and why."""
    problems: list[PodadminError] = []
    for place in places(profile):
        if place.kind == STAMP:
            try:
                head = _head(profile)
                if _something_happened(profile, place):
                    roots = time_stamps.roots_of(place.certificate.encode())
                    _keep_stamp(profile, place, time_stamps.ask(place.place, head, roots), actor)
            except PodadminError as error:
                problems.append(error)
    return tuple(problems)


def _something_happened(profile: Profile, place: Place) -> bool:
    """Since the last stamp of this authority, besides stamps."""
    entry = journal_entry.c
    with profile.store.read() as connection:
        stamped = connection.execute(
            select(func.max(time_stamp.c.seq)).where(time_stamp.c.place_id == place.id)
        ).scalar()
        later = select(entry.seq).where(entry.seq > (stamped or 0), entry.act != "journal.time-stamped").limit(1)
        return connection.execute(later).first() is not None


def _head(profile: Profile) -> Entry:
    head = service.head(profile.store)
    assert head is not None, "a profile's first entry is its own"
    return head


def _signer(profile: Profile) -> Signer:
    return profile.open_vault().journal_signer()


def _write(profile: Profile, path: Path) -> None:
    write_file(path, anchor_of(_head(profile), profile.clock), _signer(profile))


def _not_twice(profile: Profile, place: str) -> None:
    if any(each.place == place for each in places(profile)):
        raise Refused(
            "journal.place-twice",
            "Nothing was changed.",
            "The journal's head is kept there already.",
            "See the anchors with `podadmin journal anchors`.",
        )


def _record(profile: Profile, place: Place) -> None:
    fact = Fact(profile.actor, "journal.place-added", place.id, {"kind": place.kind, "place": stranger(place.place)})
    with profile.store.record(fact) as unit:
        unit.execute(
            insert(anchor_place).values(
                id=place.id,
                kind=place.kind,
                place=place.place,
                certificate=place.certificate,
                added_at=stamp(profile.clock.now()),
            )
        )


def _keep_stamp(profile: Profile, place: Place, answer: time_stamps.Stamp, actor: str) -> None:
    body = {
        "entry": answer.seq,
        "hash": answer.hash,
        "time": stamp(answer.at),
        "authority": stranger(urlsplit(place.place).hostname or ""),
        "sha256": hashlib.sha256(answer.token).hexdigest(),
    }
    with profile.store.record(Fact(actor, "journal.time-stamped", place.id, body)) as unit:
        unit.execute(
            insert(time_stamp).values(
                seq=answer.seq, hash=answer.hash, at=stamp(answer.at), place_id=place.id, token=answer.token
            )
        )


def _stamped(profile: Profile, place: Place) -> Anchor | None:
    """The newest stamp of an authority, its signature checked anew."""
    with profile.store.read() as connection:
        newest = select(time_stamp).where(time_stamp.c.place_id == place.id).order_by(time_stamp.c.seq.desc()).limit(1)
        row = connection.execute(newest).first()
    if row is None:
        return None
    try:
        roots = time_stamps.roots_of(place.certificate.encode())
    except BadInput as error:
        raise _changed(row.seq) from error
    found = time_stamps.check(row.token, row.seq, row.hash, roots)
    host = urlsplit(place.place).hostname or "the authority"
    return Anchor(found.seq, found.hash, stamp(found.at), f"the time stamp of {stranger(host, 60)}")


def _changed(seq: int) -> Tampered:
    return Tampered(
        "journal.stamp-forged",
        f"The time stamp of entry {seq} cannot be checked.",
        "The certificate of its authority that was kept with it is not one any more.",
        "Verify the journal with another anchor, and add the authority anew.",
    )


def _kept(name: str, kind: str, place: str, read: Callable[[], Anchor | None]) -> Kept:
    try:
        return Kept(name, kind, place, read())
    except PodadminError as error:
        return Kept(name, kind, place, error=error)


def _view(kept: Kept, last: int, broken: str) -> AnchorView:
    if isinstance(kept.error, Tampered):
        return AnchorView(kept.id, kept.kind, kept.place, "wrong", f"{kept.error.what} {kept.error.why}")
    if kept.error is not None:
        return AnchorView(kept.id, kept.kind, kept.place, "unreadable", f"{kept.error.what} {kept.error.why}")
    if kept.anchor is None:
        return AnchorView(kept.id, kept.kind, kept.place, "waiting", "Nothing is kept here yet.")
    seq, at = kept.anchor.seq, moment_of(kept.anchor)
    if (broken and kept.anchor.where in broken) or seq > last:
        words = f"It proves entry {seq:,}, and the journal does not fit it."
        return AnchorView(kept.id, kept.kind, kept.place, "wrong", words, seq, at)
    behind = last - seq
    if not behind:
        return AnchorView(kept.id, kept.kind, kept.place, "good", "It proves the whole journal.", seq, at)
    later = "one later entry is" if behind == 1 else f"{behind:,} later entries are"
    words = f"It proves the journal up to entry {seq:,}; {later} not covered."
    return AnchorView(kept.id, kept.kind, kept.place, "behind", words, seq, at)
