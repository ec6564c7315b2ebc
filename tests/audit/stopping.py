"""A sequencer in a process of its own, that ends without a word after so many calls that change the disk."""

STOPPING_SEQUENCER = """
import os, sys
from pathlib import Path
from doorward.audit.checkpoint import load_key
from doorward.audit.sequencer import Sequencer
left = int(sys.argv[2])
def counted(call):
    def run(*args, **kwargs):
        global left
        left -= 1
        if left < 0: os._exit(9)
        return call(*args, **kwargs)
    return run
for name in ("replace", "fsync", "unlink", "mkdir"): setattr(os, name, counted(getattr(os, name)))
Sequencer(Path(sys.argv[1]), load_key(Path(sys.argv[1]))).step()
"""
"""Python, given the log's directory and how many such calls to live for."""
