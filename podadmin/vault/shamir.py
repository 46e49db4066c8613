"""A secret parted among custodians: any `quorum` of `of` shares give it back, fewer tell nothing about it.

Shares are words after SLIP-0039 (one group), made and combined by its reference implementation. Each carries a
checksum, so a wrong word is found, and the number of its series, so shares of two backups are told apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from shamir_mnemonic import MnemonicError, Share, combine_mnemonics, generate_mnemonics

from podadmin.core.errors import BadInput, Refused
from podadmin.core.secret import Secret

WORDS = 33
"""Words of one share of a secret of 32 bytes."""

MOST = 16
LEAST_QUORUM = 2


@dataclass(frozen=True)
class Parted:
    """The shares of one secret, each as a line of words, and the number of their series."""

    series: int
    shares: tuple[Secret[str], ...]


def check_quorum(quorum: int, of: int) -> None:
    """Raises BadInput (`backup.bad-quorum`) for numbers that cannot be."""
    if not LEAST_QUORUM <= quorum <= of <= MOST:
        raise BadInput(
            "backup.bad-quorum",
            "No shares were made.",
            f"There are {LEAST_QUORUM} to {MOST} shares, and {LEAST_QUORUM} or more of them open a backup.",
            "Choose how many shares there are, and how many of them are needed.",
        )


def part(secret: Secret[bytes], quorum: int, of: int) -> Parted:
    """Part a secret of 32 bytes. Raises BadInput (`backup.bad-quorum`)."""
    check_quorum(quorum, of)
    (lines,) = generate_mnemonics(1, [(quorum, of)], secret.reveal(), iteration_exponent=0)
    return Parted(Share.from_mnemonic(lines[0]).identifier, tuple(Secret(line) for line in lines))


def join(given: Sequence[Secret[str]]) -> tuple[Secret[bytes], int]:
    """The secret that these shares give, and the number of their series. More shares than needed do no harm.

    Raises BadInput (`backup.not-a-share`), Refused (`backup.mixed-shares`, `backup.too-few-shares`).
    """
    shares = [_read(number, text) for number, text in enumerate(given, start=1)]
    if len({share.common_parameters() for share in shares}) > 1:
        raise Refused(
            "backup.mixed-shares",
            "These shares do not belong together.",
            "They were made for different backups.",
            "Use shares of one backup only; the files of the shares name it.",
        )
    different = {share.index: text for share, text in zip(shares, given, strict=True)}
    needed = shares[0].member_threshold if shares else LEAST_QUORUM
    if len(different) < needed:
        raise Refused(
            "backup.too-few-shares",
            f"{needed} different shares are needed, and {len(different)} are here.",
            "Fewer than that tell nothing about the backup.",
            "Ask another custodian for a share.",
        )
    used = [text.reveal() for text in list(different.values())[:needed]]
    try:
        found = Secret(combine_mnemonics(used))
    except MnemonicError:
        raise Refused(
            "backup.mixed-shares",
            "These shares do not belong together.",
            "They were made for different backups, although they look alike.",
            "Use shares of one backup only; the files of the shares name it.",
        ) from None
    return found, shares[0].identifier


def shares_in(text: Secret[str]) -> tuple[Secret[str], ...]:
    """The shares in a text: lines that begin with # are left out, and every 33 words are one share."""
    lines = [line for line in text.reveal().splitlines() if not line.lstrip().startswith("#")]
    words = " ".join(lines).lower().split()
    return tuple(Secret(" ".join(words[at : at + WORDS])) for at in range(0, len(words), WORDS))


def _read(number: int, text: Secret[str]) -> Share:
    try:
        return Share.from_mnemonic(text.reveal())
    except (MnemonicError, ValueError):
        # the library's own words would name words of the share
        raise BadInput(
            "backup.not-a-share",
            f"Share {number} of those given cannot be read.",
            f"A word in it is wrong or missing: a share has {WORDS} words, and they prove each other.",
            "Compare it with the paper or file of its custodian, word by word.",
        ) from None
