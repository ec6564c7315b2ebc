#!/usr/bin/env python3
"""Checks a pack of evidence offline: python3 verify.py [FOLDER] [--key VKEY]. Needs Python 3.8 or later, and nothing else.

It checks that every file is the one that was signed for and that nothing was added or taken away; the signature, which is
Ed25519, computed here by RFC 8032, so that no other program is needed; that each population has the rows that are claimed and
each sample the rows that its seed draws; and that every entry of a sample's story is in the log that the signed checkpoint
stands for (RFC 6962). Without --key the key in the pack is used: that shows damage, but not a pack that was forged whole. Get
the key elsewhere.
"""

import argparse
import base64
import csv
import hashlib
import json
import sys
from pathlib import Path

csv.field_size_limit(1 << 30)

# --- Ed25519 (RFC 8032 section 5.1), for checking alone ---------------------------------------------------------------------

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)


def plus(a, b):
    """The sum of two points in extended coordinates."""
    e, f = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    g, h = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = f - e, h - g, h + g, f + e
    return e * f % P, g * h % P, f * g % P, e * h % P


def times(number, point):
    """A multiple of a point."""
    found = (0, 1, 1, 0)
    while number:
        if number & 1:
            found = plus(found, point)
        point = plus(point, point)
        number >>= 1
    return found


def point_of(data):
    """The point that 32 bytes encode; ValueError when they encode none."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= P:
        raise ValueError("no point")
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * ROOT % P
    if (x * x - x2) % P or (x == 0 and sign):
        raise ValueError("no point")
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


BASE = point_of((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))


def is_signed(public, message, signature):
    """Whether *signature* is one of *message* by the key *public*."""
    if len(public) != 32 or len(signature) != 64:
        return False
    s = int.from_bytes(signature[32:], "little")
    if s >= ORDER:
        return False
    try:
        key, r = point_of(public), point_of(signature[:32])
    except ValueError:
        return False
    k = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % ORDER
    left, right = times(s, BASE), plus(r, times(k, key))
    same_x = (left[0] * right[2] - right[0] * left[2]) % P == 0
    return same_x and (left[1] * right[2] - right[1] * left[2]) % P == 0


# --- signed notes (C2SP signed-note) and tree proofs (RFC 6962) --------------------------------------------------------------


def key_of(vkey):
    """Name, key id and public key of a vkey."""
    name, key_id, coded = vkey.strip().split("+", 2)
    data = base64.b64decode(coded, validate=True)
    found = hashlib.sha256(name.encode() + b"\n" + data).digest()[:4]
    if len(data) != 33 or data[:1] != b"\1" or found.hex() != key_id:
        raise ValueError("the key is malformed")
    return name, found, data[1:]


def lines_of_note(note, vkey):
    """The lines of a note that *vkey* signed; ValueError when it did not."""
    name, key_id, public = key_of(vkey)
    body, gap, signatures = note.decode().rpartition("\n\n")
    for line in signatures.splitlines():
        mark, _, rest = line.partition(" ")
        signer, _, coded = rest.partition(" ")
        data = base64.b64decode(coded, validate=True)
        if gap and mark == "\u2014" and signer == name and data[:4] == key_id:
            if is_signed(public, body.encode() + b"\n", data[4:]):
                return body.split("\n")
            raise ValueError("the signature does not verify")
    raise ValueError("it is not signed by " + name)


def root_of(leaf, index, size, path):
    """The root hash that a leaf at *index* of *size* leads to by *path*; ValueError when the path does not fit."""
    node = hashlib.sha256(b"\0" + leaf).digest()
    place, last = index, size - 1
    if not 0 <= index < size:
        raise ValueError("the index is beyond the log")
    for sibling in path:
        if last == 0:
            raise ValueError("the proof is too long")
        if place & 1 or place == last:
            node = hashlib.sha256(b"\1" + sibling + node).digest()
            while not place & 1 and place:
                place, last = place >> 1, last >> 1
        else:
            node = hashlib.sha256(b"\1" + node + sibling).digest()
        place, last = place >> 1, last >> 1
    if last:
        raise ValueError("the proof is too short")
    return node


# --- the pack ---------------------------------------------------------------------------------------------------------------


class Pack:
    """One pack, and what was found wrong with it: (file, what)."""

    def __init__(self, folder, vkey):
        self.folder, self.vkey, self.problems = folder, vkey, []
        self.manifest, self.checked = {}, 0

    def wrong(self, name, what):
        """Note a problem with the file *name*."""
        self.problems.append((name, what))

    def check(self):
        """Check everything; problems are what is left afterwards."""
        if not self.check_manifest():
            return
        self.check_files()
        checkpoint = self.check_checkpoint()
        for population in self.manifest["populations"]:
            self.guarded(population["file"], self.check_population, population)
            if checkpoint:
                for number, name in population["stories"]:
                    self.guarded(name, self.check_story, name, population, number, checkpoint)

    def guarded(self, name, check, *arguments):
        """Do *check*; that it can't be done is a problem of *name*."""
        try:
            check(*arguments)
        except (OSError, ValueError, KeyError, TypeError, IndexError) as error:
            self.wrong(name, f"can't be checked: {error}")

    def check_manifest(self):
        """Whether the manifest is the one that was signed: without it nothing else can be checked."""
        try:
            data = (self.folder / "manifest.json").read_bytes()
            self.vkey = self.vkey or (self.folder / "log.pub").read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            self.wrong("manifest.json or log.pub", f"can't be read: {error}")
            return False
        try:
            first, digest = lines_of_note((self.folder / "manifest.sig").read_bytes(), self.vkey)[:2]
        except (OSError, ValueError) as error:
            self.wrong("manifest.sig", str(error) or "can't be read")
            self.wrong("manifest.json", "no signature vouches for it")
            return False
        if first != "doorward evidence pack v1" or digest != hashlib.sha256(data).hexdigest():
            self.wrong("manifest.json", "it is not the one that was signed")
            return False
        self.manifest = json.loads(data)
        return True

    def check_files(self):
        """Every file is there, as it was, and no other."""
        wanted = self.manifest["files"]
        # Links are not followed: a file of the pack is a file.
        there = {
            str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_symlink() or not path.is_dir()
        }
        for name in sorted(there - set(wanted) - {"manifest.json", "manifest.sig"}):
            self.wrong(name, "it is not part of the pack")
        for name, facts in sorted(wanted.items()):
            path = self.folder / name
            if name not in there or path.is_symlink():
                self.wrong(name, "it is missing")
            elif hashlib.sha256(path.read_bytes()).hexdigest() != facts["sha256"]:
                self.wrong(name, "it was changed")
            self.checked += 1

    def check_checkpoint(self):
        """Size and root of the signed log; None when it is not signed."""
        try:
            origin, size, root = lines_of_note((self.folder / "checkpoint").read_bytes(), self.vkey)[:3]
            log = self.manifest["log"]
            if (origin, int(size)) != (log["origin"], log["entries"]):
                raise ValueError("it is not the one that the manifest names")
            return int(size), base64.b64decode(root, validate=True)
        except (OSError, ValueError, KeyError) as error:
            self.wrong("checkpoint", str(error))
            return None

    def check_population(self, population):
        """Rows, entries and sample are those that the manifest claims."""
        name = population["name"]
        with open(self.folder / population["file"], encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file, strict=True))[1:]
        entries = [int(row[0]) for row in rows]
        told = {"count": len(rows), "first_entry": min(entries, default=None), "last_entry": max(entries, default=None)}
        for fact, found in told.items():
            if population[fact] != found:
                self.wrong(population["file"], f"{fact} is {found}, the manifest says {population[fact]}")
        seed = self.manifest["seed"]
        ranks = {n: hashlib.sha256(f"{seed}:{name}:{n}".encode()).digest() for n in range(1, len(rows) + 1)}
        drawn = sorted(sorted(ranks, key=lambda number: ranks[number])[: population["sample_size"]])
        if drawn != [number for number, _ in population["stories"]]:
            self.wrong(population["file"], "the sample is not the one that the seed draws")
        self.entries = getattr(self, "entries", {})
        self.entries[name] = entries

    def check_story(self, name, population, number, checkpoint):
        """Every entry of a sampled row's story is in the signed log, and the row's own is among them."""
        size, root = checkpoint
        parts = json.loads((self.folder / name).read_text("utf-8"))
        for part in parts:
            path = [bytes.fromhex(node) for node in part["proof"]]
            if root_of(part["entry"].encode(), part["index"], size, path) != root:
                self.wrong(name, f"entry {part['index']} is not in the log that was signed")
        entries = self.entries.get(population["name"], [])
        if number > len(entries) or entries[number - 1] not in [part["index"] for part in parts]:
            self.wrong(name, f"it is not the story of row {number} of {population['name']}")


def main():
    """Check the pack that is named, and say what was found; 1 when anything is wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "folder", nargs="?", type=Path, default=Path(__file__).resolve().parent, help="the pack (default: beside this file)"
    )
    parser.add_argument("--key", default="", metavar="VKEY", help="the log's public key, from a place that you trust")
    given = parser.parse_args()
    pack = Pack(given.folder, given.key)
    pack.check()
    for name, what in pack.problems:
        print(f"PROBLEM  {name}: {what}")
    if pack.problems:
        print("This pack is NOT as it was signed.")
        return 1
    populations = pack.manifest["populations"]
    stories = sum(len(population["stories"]) for population in populations)
    told = f"{pack.checked} files, {len(populations)} populations, {stories} sampled rows"
    print(f"intact: {told} proven under the signed log of {pack.manifest['log']['entries']} entries")
    trust = "" if given.key else " (by the key in the pack itself: compare it, or give --key)"
    print(f"signed by {pack.vkey.strip().split('+')[0]}{trust}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
