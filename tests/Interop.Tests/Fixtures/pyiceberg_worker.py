"""Runs Python scripts (first argument: the text, then its own arguments), each in a fork that has PyIceberg loaded already:
to load it takes far longer than most scripts. Nothing that a script does reaches the next one."""
import os
import sys
import tempfile
import traceback

import fastavro  # noqa: F401
import pyarrow.dataset  # noqa: F401
import pyarrow.parquet  # noqa: F401
import pyiceberg.catalog.rest  # noqa: F401
import pyiceberg.catalog.sql  # noqa: F401
import pyiceberg.io.pyarrow  # noqa: F401
import pyiceberg.table  # noqa: F401

from tool_worker import serve


def run_script(text, arguments):
    sys.argv = ["-c", *arguments]
    code = 0
    try:
        exec(compile(text, "<script>", "exec"), {"__name__": "__main__"})
    except SystemExit as exit:
        code = exit.code if isinstance(exit.code, int) else int(exit.code is not None)
    except BaseException:
        traceback.print_exc()
        code = 1
    sys.stdout.flush()
    sys.stderr.flush()
    return code


def run(arguments):
    with tempfile.TemporaryFile() as output, tempfile.TemporaryFile() as error:
        child = os.fork()
        if child == 0:
            os.dup2(output.fileno(), 1)
            os.dup2(error.fileno(), 2)
            sys.stdin = open(os.devnull)
            os._exit(run_script(arguments[0], arguments[1:]))
        code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
        output.seek(0)
        error.seek(0)
        return code, output.read(), error.read()


serve(run)
