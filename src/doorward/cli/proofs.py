"""``doorward audit check-proof``, ``extends`` and ``witness``: for whoever does not trust whoever runs Doorward."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Annotated

import typer

from doorward.cli.options import AsJson
from doorward.cli.terminal import console, say_json

Key = Annotated[str, typer.Option("--key", metavar="VKEY", help="The log's public key, from a place you trust.")]


def check_proof(
    proof: Annotated[Path, typer.Argument(help="What doorward audit proof printed.", exists=True, dir_okay=False)],
    entry: Annotated[Path, typer.Option(help="The entry, as audit show --raw prints it.", exists=True, dir_okay=False)],
    key: Key,
    as_json: AsJson = False,
) -> None:
    """Check a proof, on any machine, without the log. Ends with 1 when it does not prove that entry.

    [bold]Example:[/]  doorward audit check-proof entry-42.tlog-proof --entry entry-42.json --key "$(cat log.pub)"
    """
    from doorward.audit.proofs import verify_proof

    # A line break at the end is a text tool's, not the entry's.
    checkpoint = verify_proof(proof.read_text("utf-8"), entry.read_bytes().rstrip(b"\n"), key)
    if as_json:
        say_json({"proven": True, "log": checkpoint.origin, "entries": checkpoint.size})
        return
    console().print(f"[bold green]proven[/]  it is in the log {checkpoint.origin}, among the first {checkpoint.size:,} entries")


def extends(
    earlier: Annotated[Path, typer.Argument(help="A checkpoint that you kept.", exists=True, dir_okay=False)],
    log: Annotated[Path, typer.Option("--log", help="The log's folder, or a copy.", exists=True, file_okay=False)],
    key: Key,
    as_json: AsJson = False,
) -> None:
    """Prove that the log as it is now goes on where an earlier checkpoint ended: nothing was changed or taken out since.

    Ends with 1 when it does not: keep both checkpoints then, they are evidence. --json has the hashes of the proof.

    [bold]Example:[/]  doorward audit extends january.checkpoint --log /backup/log --key "$(cat log.pub)"
    """
    from doorward.audit.checkpoint import VerifierKey, read_checkpoint, verify_checkpoint
    from doorward.audit.proofs import consistency_proof, verify_consistency
    from doorward.errors import NotFound

    vkey = VerifierKey.parse(key)
    old = verify_checkpoint(earlier.read_bytes(), vkey)
    found = read_checkpoint(log)
    if found is None:
        raise NotFound(f"Nothing is signed in {log}.", "Give the folder of a log.")
    present = verify_checkpoint(found.note, vkey)
    proof = consistency_proof(log, old.size)
    verify_consistency(old, present, proof)
    if as_json:
        hashes = [base64.b64encode(each).decode() for each in proof]
        say_json({"extends": True, "from": old.size, "to": present.size, "proof": hashes})
        return
    console().print(f"[bold green]extended[/]  from {old.size:,} entries to {present.size:,}; the earlier ones are the same")


def witness(
    log: Annotated[Path, typer.Argument(help="The log's folder, or a copy.", exists=True, file_okay=False)],
    key: Key,
    folder: Annotated[Path, typer.Option(help="The witness's own folder; made when it is missing.", file_okay=False)],
    name: Annotated[str, typer.Option(help="The witness's name, for a new one.")] = "witness",
) -> None:
    """Cosign a log's checkpoint (C2SP tlog-cosignature), if it extends the last one that this witness cosigned.

    Prints the cosigned checkpoint. Run it on another machine than the log's, every few minutes: then whoever holds the log and
    its key can't rewrite it without losing this signature.

    [bold]Example:[/]  doorward audit witness /mnt/log --key "$(cat log.pub)" --folder ~/witness > latest.checkpoint
    """
    from doorward.audit.checkpoint import VerifierKey
    from doorward.audit.witnessing import Witness
    from doorward.clock import now_us

    cosigned = Witness(folder, name).cosign(log, VerifierKey.parse(key), now_us() // 1_000_000)
    typer.echo(cosigned.decode(), nl=False)
