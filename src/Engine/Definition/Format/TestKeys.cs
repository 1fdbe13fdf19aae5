using System.Collections.Immutable;
using Matih.Definition.Shapes;

namespace Matih.Definition.Format;

/// <summary>Keys of an item of <c>tests:</c>.</summary>
internal static class TestKeys
{
    public static readonly Key<string> Name = new("name", new TextShape("text", 200), "What the test is about; unlike the names of the others.") { IsRequired = true, Example = "paid orders only" };

    public static readonly Key<string?> Sink = new("sink", new NameShape(Grammars.Name)!, "The sink whose statements are tried. May be left out where there is only one.");

    public static readonly Key<DateTimeOffset?> Now = new("now", new InstantShape(), "The current time of the statements, and of records that have no `timestamp`. Left out: the time of the run.");

    public static readonly Key<BoundMapping?> Input = new("input", new ShortShape(new MappingShape(TestInputKeys.Set), TestInputKeys.Documents)!, "The records of the sink's source. A list stands for `documents`.")
    {
        IsRequired = true,
        Example = "[{ id: 1 }]",
    };

    public static readonly Key<BoundMapping?> Expect = new("expect", new MappingShape(TestExpectKeys.Set)!, "What the statements make of them.") { IsRequired = true, Example = "{ rows: [{ id: 1 }] }" };

    public static readonly KeySet Set = new("tests[]",
        "An example of what the statements make of records, which `matih test` checks without Kafka and a catalog; a pipeline that runs passes over it. Variables are not replaced here.",
        Name, Sink, Now, Input, Expect);
}

/// <summary>Keys of a test's <c>input:</c>.</summary>
internal static class TestInputKeys
{
    public static readonly Key<ImmutableArray<TestDocument>> Documents = new("documents", new ListShape<TestDocument>("a list of records' values", new DocumentShape()),
        "The values of the records. A mapping or a list stands for that JSON, a text (`'{\"id\": 1'`) for itself, nothing (`~`) for a tombstone. Of values without quotes those that JSON reads as a number, `true` or `false` are that, the others are text.")
    {
        Default = [],
    };

    public static readonly Key<ImmutableArray<BoundMapping>> Records = new("records", new ListShape<BoundMapping>("a list of records ('- value: ...')", new MappingShape(TestRecordKeys.Set)),
        "Records with more than a value.") { Default = [] };

    public static readonly Key<string?> File = new("file", new TextShape("file with one value a line")!, "A file of values, one a line, empty lines left out. Relative paths start from the definition's folder.");

    public static readonly KeySet Set = new("tests[].input", "The records of a test: one of these keys. They have the offsets 0, 1, … of partition 0, where they do not say otherwise.", Documents, Records, File);
}

/// <summary>Keys of a test's record.</summary>
internal static class TestRecordKeys
{
    public static readonly Key<TestDocument?> Value = new("value", new DocumentShape()!, "As in `documents`. Left out: a tombstone.");

    public static readonly Key<string?> Key = new("key", new TextShape("text")!, "The key. Left out: none.");

    public static readonly Key<long> Partition = new("partition", new IntegerShape(0, int.MaxValue), "The partition.") { DefaultText = "0" };

    public static readonly Key<long> Offset = new("offset", new IntegerShape(0, long.MaxValue - 1), "The offset. Left out: the next one of the partition.");

    public static readonly Key<DateTimeOffset?> Timestamp = new("timestamp", new InstantShape(), "The timestamp (CreateTime). Left out: the test's `now`.");

    public static readonly Key<ImmutableArray<TextPair>> Headers = new("headers", new TextMapShape("a mapping of names to text", Grammars.Header), "The headers.") { Default = [] };

    public static readonly KeySet Set = new("tests[].input.records[]", "A record of a topic.", Value, Key, Partition, Offset, Timestamp, Headers);
}

/// <summary>Keys of a test's <c>expect:</c>.</summary>
internal static class TestExpectKeys
{
    public static readonly Key<BoundMapping?> Rows = new("rows", new ShortShape(new MappingShape(TestRowsKeys.Set), TestRowsKeys.Listed)!,
        "The rows that the table gets, in any order. Compared are the columns that some of them name; one that a row leaves out is NULL in it. A list stands for `list`.");

    public static readonly Key<bool> Ordered = new("ordered", new FlagShape(), "Whether the rows come in this order.") { DefaultText = "false" };

    public static readonly Key<TestRejections> Rejected = new("rejected", new RejectionsShape(),
        "Records that are rejected: how many, or a part of each one's reason in the order of the records.") { Default = new TestRejections.Count(0), DefaultText = "0" };

    public static readonly Key<long> Filtered = new("filtered", new IntegerShape(0, int.MaxValue), "Records that give no row without being rejected. Left out: any number.");

    public static readonly KeySet Set = new("tests[].expect", "What the statements make of a test's records: at least one of `rows`, `rejected` and `filtered`.", Rows, Ordered, Rejected, Filtered);
}

/// <summary>Keys of the rows that a test expects.</summary>
internal static class TestRowsKeys
{
    public static readonly Key<ImmutableArray<TestRow>> Listed = new("list", new ListShape<TestRow>("a list of rows ('- { column: value }')", new TestRowShape()),
        "The rows, each with columns and values as JSON has them: a DECIMAL is `2.50`, a DATE `2026-05-01`, a TIMESTAMP `2026-05-01 12:00:00.5`, a TIMESTAMP_LTZ `2026-05-01T12:00:00Z`, bytes are base64, a ROW and a MAP mappings, an ARRAY a list.")
    {
        Default = [],
    };

    public static readonly Key<string?> File = new("file", new TextShape("file with one JSON object a line")!, "A file of rows, each a line with one JSON object. Relative paths start from the definition's folder.");

    public static readonly KeySet Set = new("tests[].expect.rows", "The rows of a test: one of these keys.", Listed, File);
}
