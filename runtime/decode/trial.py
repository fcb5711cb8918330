"""A grammar of somebody else, handed to an engine in a child process that may not take more than its share."""

import base64
import json
import subprocess
import sys

from archc.grammar.diagnostics import CompileError, Diagnostic
from archc.runtime.decode.engines import engine, refused
from archc.runtime.decode.vocabulary import Vocabulary

SECONDS = 10
MEMORY = 1 << 30
START = 120
"""So many seconds an engine may take to be imported, which is not the fault of a grammar."""


def tried(name: str, grammar: str, words: Vocabulary) -> None:
    """Let a child process compile `grammar`, with 10 s and 1 GiB.

    Raises CompileError: A0562 when the engine refuses the grammar, A0563 when it takes more than that.
    """
    tokens = [base64.b64encode(token).decode() for token in words.tokens]
    task = json.dumps({"engine": name, "grammar": grammar, "tokens": tokens, "ends": words.ends, "seconds": SECONDS})
    command = [sys.executable, "-m", "archc.runtime.decode.trial"]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as child:
        try:
            said, _ = child.communicate(task, timeout=START + SECONDS)
        except subprocess.TimeoutExpired:
            child.kill()
            said = ""
    answer = said.splitlines()
    if answer[-1:] != ["fine"]:
        if answer[-1:] and answer[-1].startswith("refused "):
            raise refused(name, answer[-1].removeprefix("refused "))
        raise exceeded(name, SECONDS)


def exceeded(name: str, seconds: int) -> CompileError:
    """Return the complaint that a grammar takes an engine too long."""
    text = f"{name} takes over {seconds} s or {MEMORY >> 30} GiB for this grammar"
    return CompileError([Diagnostic("A0563", text, hint="a type with fewer rules, or with shorter texts")])


def main() -> None:
    """Compile what comes on standard input, and say on standard output how that went."""
    import resource

    task = json.load(sys.stdin)
    words = Vocabulary(tuple(base64.b64decode(token) for token in task["tokens"]), tuple(task["ends"]))
    simple = {"xgrammar": 'root ::= "a"', "llguidance": 'start: "a"'}
    engine(task["engine"], simple[task["engine"]], words)
    used = _data()
    spent = resource.getrusage(resource.RUSAGE_SELF)
    resource.setrlimit(resource.RLIMIT_DATA, (used + MEMORY, used + MEMORY))
    seconds = int(spent.ru_utime + spent.ru_stime) + task["seconds"]
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    try:
        engine(task["engine"], task["grammar"], words)
    except CompileError as error:
        print("refused", error.diagnostics[0].message.partition(": ")[2])
    else:
        print("fine")


def _data() -> int:
    """Return the bytes that this process has for its data."""
    with open("/proc/self/status", encoding="ascii") as file:
        return next(int(line.split()[1]) << 10 for line in file if line.startswith("VmData"))


if __name__ == "__main__":
    main()
