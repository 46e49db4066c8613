#!/usr/bin/env python3
"""Verify a podadmin receipt offline: python verify_receipt.py RECEIPT.json PUBLIC_KEY.pem

Needs Python 3.9 or later and the package `cryptography`; nothing of podadmin. The public key is what the pod's
custodian gives you (`podadmin receipt key`): compare its fingerprint with theirs by telephone, or over another way
that you trust. Ends with 0 where the receipt is what was signed, with 1 where it is not, with 2 where a file is none.
"""

import hashlib
import json
import sys

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key

FORMAT = "podadmin.receipt/1"
PREFIX = b"podadmin receipt 1\n"


def signed_bytes(receipt):
    """What the signature covers: the prefix and the receipt as JSON with sorted keys, no spaces, in UTF-8."""
    text = json.dumps(receipt, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return PREFIX + text.encode("utf-8")


def shown(text):
    """A text of somebody else with everything that is not plainly visible as an escape."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in str(text))


def main(arguments):
    if len(arguments) != 2:
        print(__doc__)
        return 2
    try:
        with open(arguments[0], encoding="utf-8") as file:
            kept = json.load(file)
        with open(arguments[1], "rb") as file:
            key = load_pem_public_key(file.read())
        receipt, signature = kept["receipt"], bytes.fromhex(kept["signature"])
        data = signed_bytes(receipt)
        if receipt["format"] != FORMAT or not isinstance(key, Ed25519PublicKey):
            raise ValueError
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        print("NOT VERIFIED: a file cannot be read, or is not a receipt or not an Ed25519 public key in PEM.")
        return 2
    spki = key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    print("Public key:", hashlib.sha256(spki).hexdigest())
    try:
        key.verify(signature, data)
    except InvalidSignature:
        print("NOT VERIFIED: this is not what was signed with this key.")
        return 1
    print("VERIFIED: this is what was signed with this key.")
    for name, value in sorted(receipt.items()):
        text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
        print(f"  {shown(name)}: {shown(text)}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
