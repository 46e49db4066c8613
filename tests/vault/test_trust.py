"""The book of trust: pinned at first sight, confirmed by words, and never exchanged without somebody who decides it."""

from __future__ import annotations

from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from podadmin.core.errors import BadInput, NotFound, PodadminError, Refused
from podadmin.core.text import grouped
from podadmin.vault import trust
from podadmin.vault.forms import public_forms
from podadmin.vault.trust import Seen, Trust

Profile = Any
FIRST, SECOND, THIRD = (
    public_forms(Ed25519PrivateKey.from_private_bytes(bytes([n] * 32)).public_key()) for n in (1, 2, 3)
)


def seen(forms: Any = FIRST, holder: str = "research-lab", role: str = "requester") -> Seen:
    return Seen(role, "local", holder, "key_1", forms.fingerprint, forms.pem)


class Book:
    """The acts on one profile's book, as the gate and the custodian call them."""

    def __init__(self, profile: Profile) -> None:
        profile.session()
        self.profile = profile
        self.store, self.clock = profile.stores[0], profile.clock

    def see(self, *words: Any) -> bool:
        return trust.see(self.store, self.clock, seen(*words))

    @property
    def only(self) -> trust.TrustedKey:
        (entry,) = trust.trusted_keys(self.store)
        return entry

    def acts(self) -> list[str]:
        return [act for _, act, _, _ in self.profile.acts()]


@pytest.fixture
def book(profile: Profile) -> Book:
    return Book(profile)


def code(act: Any, kind: type[PodadminError] = Refused) -> str:
    with pytest.raises(kind) as caught:
        act()
    return caught.value.code


def test_a_key_is_pinned_when_it_is_first_seen_and_is_not_yet_confirmed(book: Book) -> None:
    assert book.see()
    assert book.see()
    entry = book.only
    assert (entry.trust, entry.trust.value, entry.words) == (Trust.PINNED, "not yet confirmed", FIRST.words)
    assert (entry.role, entry.network, entry.holder, entry.key_id) == ("requester", "local", "research-lab", "key_1")
    assert (entry.first_seen_at, entry.confirmed_at, entry.offered_at) == (book.clock.now(), None, None)
    assert book.acts() == ["key.pinned"]
    assert book.profile.acts()[0][0] == "gate"


@pytest.mark.parametrize(
    "told",
    [
        FIRST.words,
        FIRST.words.replace("-", " ").upper(),
        f"  {FIRST.words.replace('-', ', ')} ",
        grouped(FIRST.fingerprint),
        FIRST.fingerprint.upper(),
    ],
)
def test_the_words_that_the_owner_reads_out_confirm_it(book: Book, told: str) -> None:
    book.see()
    book.clock.advance(60)
    entry = trust.confirm(book.store, book.clock, book.only.id, told, "anna")
    assert (entry.trust, entry.confirmed_by, entry.confirmed_at) == (Trust.CONFIRMED, "anna", book.clock.now())
    assert book.acts() == ["key.pinned", "key.confirmed"]
    assert book.see()


@pytest.mark.parametrize("told", ["", SECOND.words, "-".join(FIRST.words.split("-")[:5]), FIRST.words + "-oak"])
def test_other_words_confirm_nothing(book: Book, told: str) -> None:
    book.see()
    confirm = lambda: trust.confirm(book.store, book.clock, book.only.id, told, "anna")  # noqa: E731
    assert code(confirm, BadInput) == "vault.words-differ"
    assert book.only.trust is Trust.PINNED


def test_another_key_under_the_name_is_refused_loudly_and_told_once(book: Book) -> None:
    book.see()
    trust.confirm(book.store, book.clock, book.only.id, FIRST.words, "anna")
    assert not book.see(SECOND)
    assert not book.see(SECOND)
    entry = book.only
    assert (entry.trust, entry.fingerprint) == (Trust.CHANGED, FIRST.fingerprint)
    assert (entry.offered_fingerprint, entry.offered_words) == (SECOND.fingerprint, SECOND.words)
    assert book.acts() == ["key.pinned", "key.confirmed", "key.offered"]
    assert book.see(FIRST)
    assert not book.see(THIRD)
    assert book.only.offered_fingerprint == THIRD.fingerprint
    assert book.acts()[3:] == ["key.offered"]
    confirm = lambda: trust.confirm(book.store, book.clock, entry.id, FIRST.words, "anna")  # noqa: E731
    assert code(confirm) == "vault.key-offered"


def test_the_custodian_takes_the_other_key_with_a_reason_and_it_is_new_again(book: Book) -> None:
    book.see()
    trust.confirm(book.store, book.clock, book.only.id, FIRST.words, "anna")
    book.see(SECOND)
    entry_id = book.only.id
    assert code(lambda: trust.replace(book.store, book.clock, entry_id, " ", "anna")) == "vault.reason-missing"
    entry = trust.replace(book.store, book.clock, entry_id, "They called: a new laptop", "anna")
    assert (entry.trust, entry.fingerprint, entry.offered_fingerprint) == (Trust.PINNED, SECOND.fingerprint, "")
    assert (entry.reason, entry.public_pem) == ("They called: a new laptop", SECOND.pem)
    assert book.see(SECOND)
    assert not book.see(FIRST)
    assert book.profile.acts()[-2][3]["was"] == FIRST.fingerprint


def test_the_custodian_turns_the_other_key_away(book: Book) -> None:
    book.see()
    book.see(SECOND)
    entry = trust.keep(book.store, book.only.id, "Nobody there knows of it", "anna")
    assert (entry.trust, entry.fingerprint) == (Trust.PINNED, FIRST.fingerprint)
    assert book.acts()[-1] == "key.kept"
    assert code(lambda: trust.keep(book.store, entry.id, "again", "anna")) == "vault.nothing-offered"
    assert code(lambda: trust.replace(book.store, book.clock, entry.id, "why", "anna")) == "vault.nothing-offered"
    assert not book.see(SECOND)
    assert book.only.trust is Trust.CHANGED


def test_nothing_of_a_distrusted_key_is_taken_until_it_is_confirmed_again(book: Book) -> None:
    book.see()
    entry = trust.distrust(book.store, book.clock, book.only.id, "They left the project", "anna")
    assert (entry.trust, entry.reason) == (Trust.DISTRUSTED, "They left the project")
    assert code(book.see) == "vault.distrusted"
    assert code(lambda: book.see(SECOND)) == "vault.distrusted"
    again = trust.confirm(book.store, book.clock, entry.id, FIRST.words, "anna")
    assert again.trust is Trust.CONFIRMED
    assert book.see()


def test_the_keys_that_need_a_look_come_first(book: Book) -> None:
    book.see(FIRST, "hub.example", "hub")
    book.see(FIRST, "b-lab")
    book.see(FIRST, "am.example", "access-manager")
    book.see(SECOND, "hub.example", "hub")
    assert [entry.holder for entry in trust.trusted_keys(book.store)] == ["hub.example", "b-lab", "am.example"]


def test_a_key_that_was_never_seen_is_not_found(book: Book) -> None:
    assert code(lambda: trust.find(book.store, "trust_NOBODY"), NotFound) == "vault.no-such-trust"
