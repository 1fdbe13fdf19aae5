"""The protocol of ToolWorkers.cs, for workers in Python: a line of base64 texts in, a line with code, output and error out."""
import base64
import os
import sys


def _decode(text):
    # Each text has a mark before it, so that an empty one is not lost between two spaces.
    return base64.b64decode(text[1:]).decode()


def _encode(data):
    return "=" + base64.b64encode(data).decode()


def serve(run):
    """Answers each request with what run(arguments) gives: an exit code, and bytes of output and error."""
    # What a library prints must not get between the answers.
    answers = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    for line in sys.stdin:
        code, output, error = run([_decode(text) for text in line.split()])
        answers.write(f"{code} {_encode(output)} {_encode(error)}\n")
        answers.flush()
