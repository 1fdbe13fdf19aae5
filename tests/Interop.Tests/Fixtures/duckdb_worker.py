"""Runs statements in one DuckDB, each request by a connection of its own: to load the extensions takes far longer than a query.

Its argument is the duckdb-iceberg.py whose behaviour this keeps."""
import contextlib
import importlib.util
import io
import sys
import traceback

from tool_worker import serve

spec = importlib.util.spec_from_file_location("duckdb_iceberg", sys.argv[1])
tool = importlib.util.module_from_spec(spec)
spec.loader.exec_module(tool)
database = tool.connect()
# A file must be read again whenever somebody asks: a table changes between two requests.
database.execute("SET GLOBAL enable_external_file_cache = false")


def connect():
    connection = database.cursor()
    connection.execute("SET TimeZone = 'UTC'")
    return connection


def run(arguments):
    output, error, code = io.StringIO(), io.StringIO(), 0
    sys.argv = ["duckdb-iceberg", *arguments]
    with contextlib.redirect_stdout(output), contextlib.redirect_stderr(error):
        try:
            tool.main()
        except BaseException:
            traceback.print_exc()
            code = 1
    return code, output.getvalue().encode(), error.getvalue().encode()


tool.connect = connect
serve(run)
