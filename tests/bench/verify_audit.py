"""Verifies an export of the audit log with nothing of ours: the rules of docs/audit.md, in another language.

usage: verify_audit.py EXPORT KEY
"""

import hashlib
import json
import sys

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey


def canonical(value):
    # RFC 8785 for what records have: ASCII names, strings and whole numbers.
    return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()


def digest(data):
    return hashlib.sha256(data).digest()


def record_digest(record):
    record = {name: value for name, value in record.items() if name != "chain"}
    personal = record.get("personal")
    if personal is not None:
        source = record.pop("source", None)
        if "salt" in personal:
            said = digest(canonical({"salt": personal["salt"], "source": source}))
            assert said.hex() == personal["digest"], "what is said of the person is not what was sealed"
        record["personal"] = {"digest": personal["digest"]}
    return digest(canonical(record))


def main(export, key):
    public = Ed25519PublicKey.from_public_bytes(bytes.fromhex(key))
    last, covered, records = None, 0, 0
    for line in open(export, encoding="utf-8"):
        line = json.loads(line)
        if "checkpoint" in line:
            checkpoint = line["checkpoint"]
            signature = bytes.fromhex(checkpoint.pop("signature"))
            assert checkpoint["key"] == key, "signed by another key"
            public.verify(signature, canonical({"type": "vestibule audit checkpoint", **checkpoint}))
            assert last is None or last == (checkpoint["seq"], checkpoint["hash"]), "it covers other events"
            last, covered = (checkpoint["seq"], checkpoint["hash"]), checkpoint["seq"]
        elif "chain" in line:
            chain = line["chain"]
            record = bytes.fromhex(line["digest"]) if "digest" in line else record_digest(line)
            assert digest(bytes.fromhex(chain["prev"]) + record).hex() == chain["hash"], f"event {chain['seq']} was altered"
            assert last is None or (chain["seq"], chain["prev"]) == (last[0] + 1, last[1]), f"event {chain['seq']} does not follow"
            last, records = (chain["seq"], chain["hash"]), records + 1
    assert last is not None and last[0] == covered, "the end is missing"
    print(json.dumps({"covered": covered, "records": records}))


main(*sys.argv[1:])
