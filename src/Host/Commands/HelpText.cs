using Matih.Host.Runtime;

namespace Matih.Host.Commands;

/// <summary>The sections of help that several pages share.</summary>
internal static class HelpText
{
    public static (string, (string, string)[]) ExitCodes { get; } = ("Exit codes",
    [
        ("0", "Done; also after SIGTERM, with a last checkpoint committed."),
        ("2", "The definition, its SQL or the command line is wrong; every error is printed with its place."),
        ("3", "The environment failed (Kafka, catalog, store) and the retries are used up, or a person has to act."),
        ("4", "Another writer of the same pipeline took over."),
        ("5", "Refused to continue, because that would lose or double records; the message names the way out."),
        ("6", "A record was rejected under on_error: fail; everything before it is committed."),
        ("70", "A bug: the stack is printed."),
        ("130", "Interrupted by hand (Ctrl-C) after a clean checkpoint; 130 or 143 also after a second signal, at once."),
    ]);

    public static HelpPage Root { get; } = new(
        """
        matih moves streams from Apache Kafka into Apache Iceberg tables, exactly once, from a YAML file and SQL.

        Where a pipeline stands is committed into the table together with the rows, so that a run can be killed at any
        moment and started again: nothing is lost and nothing doubled.
        """,
        ["<command> [options]", "help <command>"],
        ("Examples",
        [
            ("matih demo", "see it work: embedded Kafka, a kill, a resume, a count"),
            ("matih validate pipeline.yaml", "every error with its line, or the plan"),
            ("matih test pipeline.yaml", "whether its SQL makes of records what its tests say"),
            ("matih run pipeline.yaml", "until Ctrl-C or SIGTERM"),
            ("matih run pipeline.yaml --once", "one micro-batch, for a scheduler such as Airflow"),
            ("matih table show analytics.web.clicks", "what the table holds"),
            ("matih status pipeline.yaml", "where it stands, and how far behind the topic"),
            ("matih verify pipeline.yaml", "prove that every record is in the table once"),
            ("matih sql \"SELECT UPPER('a')\" --json", "what an expression gives"),
        ]),
        ExitCodes,
        ("Environment", CommandVariables.All));
}
