using System.Collections.Immutable;

namespace Matih.Definition;

/// <summary>An example of what the statements of one flow make of records. <c>matih test</c> runs it; a pipeline does not.</summary>
/// <param name="Name">Unique among the tests.</param>
/// <param name="Sink">The sink whose flow is tried.</param>
/// <param name="Now">The current time of the statements, and of records that have none; null is the time of the run.</param>
/// <param name="Position">Where the entry stands.</param>
/// <param name="Path">The entry's way from the root, e.g. <c>tests[0]</c>.</param>
public sealed record TestDefinition(
    string Name, string Sink, TestInput Input, TestExpectation Expected, DateTimeOffset? Now, DefinitionPosition Position, string Path);

/// <summary>The records of a test.</summary>
public abstract record TestInput
{
    private TestInput() { }

    /// <summary>Records that stand in the definition.</summary>
    public sealed record Records(ImmutableArray<TestRecord> Items) : TestInput;

    /// <summary>Values of records, one a line of a file.</summary>
    /// <param name="FilePath">As written; relative ones start from the definition's folder.</param>
    public sealed record Lines(string FilePath, DefinitionPosition Position, string Path) : TestInput;
}

/// <summary>A record of a topic. What it does not say of itself is counted on from the record before, or is the test's.</summary>
/// <param name="Value">The value's bytes; null is a tombstone.</param>
/// <param name="Key">The key; null is none.</param>
public sealed record TestRecord(ReadOnlyMemory<byte>? Value, string? Key = null)
{
    /// <summary>Null is 0.</summary>
    public int? Partition { get; init; }

    /// <summary>Null is the one after the record before of its partition, from 0.</summary>
    public long? Offset { get; init; }

    /// <summary>Null is the time of the test.</summary>
    public DateTimeOffset? Timestamp { get; init; }

    public ImmutableArray<KeyValuePair<string, string>> Headers { get; init; } = [];
}

/// <summary>What a test expects; what it does not name is not compared.</summary>
/// <param name="Rows">The rows; null where they do not matter.</param>
/// <param name="IsOrdered">Whether the rows' order matters.</param>
/// <param name="Rejected">Records that are rejected. Default: none.</param>
/// <param name="FilteredCount">Records that give no row and are not rejected; null where that does not matter.</param>
public sealed record TestExpectation(TestRows? Rows, bool IsOrdered, TestRejections Rejected, long? FilteredCount);

/// <summary>Rows that a test expects.</summary>
public abstract record TestRows
{
    private TestRows() { }

    /// <summary>Rows that stand in the definition.</summary>
    public sealed record Listed(ImmutableArray<TestRow> Rows) : TestRows;

    /// <summary>Rows of a file, each a line with one JSON object.</summary>
    /// <param name="FilePath">As written; relative ones start from the definition's folder.</param>
    public sealed record Lines(string FilePath, DefinitionPosition Position, string Path) : TestRows;
}

/// <summary>A row that a test expects: some columns with their values.</summary>
public sealed record TestRow(ImmutableArray<TestValue> Values, DefinitionPosition Position, string Path);

/// <summary>A value that a test expects in a column.</summary>
/// <param name="Json">The value as JSON.</param>
public sealed record TestValue(string Column, ReadOnlyMemory<byte> Json, DefinitionPosition Position, string Path);

/// <summary>Records that a test expects to be rejected.</summary>
public abstract record TestRejections
{
    private TestRejections() { }

    public sealed record Count(long Number) : TestRejections;

    /// <summary>A part of each one's reason, in the order of the records.</summary>
    public sealed record Reasons(ImmutableArray<string> Parts) : TestRejections;
}
