using System.Collections.Immutable;
using System.Globalization;
using Matih.Definition.Format;
using Matih.Definition.Shapes;

namespace Matih.Definition.Reading;

/// <summary>Turns <c>tests:</c> into <see cref="TestDefinition"/>s of sinks that exist.</summary>
internal static class TestReading
{
    public static ImmutableArray<TestDefinition> Read(ImmutableArray<BoundMapping> items, ImmutableArray<string> sinks, ReadState state)
    {
        var read = ImmutableArray.CreateBuilder<TestDefinition>();
        var first = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var item in items)
        {
            if (item.Has(TestKeys.Name) && !first.TryAdd(item.Get(TestKeys.Name), item.Position.Line))
                state.Report(item.PositionOf(TestKeys.Name), item.PathOf(TestKeys.Name), $"'{item.Get(TestKeys.Name)}' is the name of another test as well, in line {first[item.Get(TestKeys.Name)].ToString(CultureInfo.InvariantCulture)}");
            var sink = ResolveSink(item, sinks, state);
            var input = item.Get(TestKeys.Input) is { } given ? ReadInput(given, state) : null;
            var expected = item.Get(TestKeys.Expect) is { } outcome ? ReadExpectation(outcome, state) : null;
            if (sink is not null && input is not null && expected is not null && item.IsWhole)
                read.Add(new TestDefinition(item.Get(TestKeys.Name), sink, input, expected, item.Get(TestKeys.Now), item.Position, item.Path));
        }
        return read.ToImmutable();
    }

    private static string? ResolveSink(BoundMapping item, ImmutableArray<string> sinks, ReadState state)
    {
        var (position, path) = (item.PositionOf(TestKeys.Sink), item.PathOf(TestKeys.Sink));
        if (item.Get(TestKeys.Sink) is { } name)
        {
            if (sinks.Contains(name)) return name;
            var nearest = Spelling.Nearest(name, sinks);
            state.Report(position, path, $"there is no sink '{name}'{(nearest is null ? ". " : $"; did you mean '{nearest}'? ")}To choose from: {string.Join(", ", sinks)}");
            return null;
        }
        if (item.IsGiven(TestKeys.Sink) || sinks.IsEmpty) return null;
        if (sinks is [var only]) return only;
        state.Report(position, path, $"is missing, and there are several to choose from: {string.Join(", ", sinks)}");
        return null;
    }

    private static TestInput? ReadInput(BoundMapping input, ReadState state)
    {
        if (!HasOne(input, state, TestInputKeys.Documents, TestInputKeys.Records, TestInputKeys.File)) return null;
        if (input.Get(TestInputKeys.File) is { } file) return new TestInput.Lines(file, input.PositionOf(TestInputKeys.File), input.PathOf(TestInputKeys.File));
        var documents = input.Get(TestInputKeys.Documents).Select(document => new TestRecord(document.Bytes));
        return new TestInput.Records([.. documents, .. input.Get(TestInputKeys.Records).Select(ReadRecord)]);
    }

    private static TestRecord ReadRecord(BoundMapping record) => new(record.Get(TestRecordKeys.Value)?.Bytes, record.Get(TestRecordKeys.Key))
    {
        Partition = record.Has(TestRecordKeys.Partition) ? (int)record.Get(TestRecordKeys.Partition) : null,
        Offset = record.Has(TestRecordKeys.Offset) ? record.Get(TestRecordKeys.Offset) : null,
        Timestamp = record.Get(TestRecordKeys.Timestamp),
        Headers = [.. record.Get(TestRecordKeys.Headers).Select(header => KeyValuePair.Create(header.Key, header.Value))],
    };

    private static TestExpectation? ReadExpectation(BoundMapping expected, ReadState state)
    {
        if (!expected.IsGiven(TestExpectKeys.Rows) && !expected.IsGiven(TestExpectKeys.Rejected) && !expected.IsGiven(TestExpectKeys.Filtered))
        {
            state.Report(expected.Position, expected.Path, "expects nothing; give at least one of rows, rejected and filtered");
            return null;
        }
        if (expected.Get(TestExpectKeys.Ordered) && !expected.IsGiven(TestExpectKeys.Rows))
            state.Report(expected.PositionOf(TestExpectKeys.Ordered), expected.PathOf(TestExpectKeys.Ordered), "has no meaning without rows");
        TestRows? rows = null;
        if (expected.Get(TestExpectKeys.Rows) is { } given)
        {
            if (!HasOne(given, state, TestRowsKeys.Listed, TestRowsKeys.File)) return null;
            rows = given.Get(TestRowsKeys.File) is { } file
                ? new TestRows.Lines(file, given.PositionOf(TestRowsKeys.File), given.PathOf(TestRowsKeys.File))
                : new TestRows.Listed(given.Get(TestRowsKeys.Listed));
        }
        long? filtered = expected.Has(TestExpectKeys.Filtered) ? expected.Get(TestExpectKeys.Filtered) : null;
        return new TestExpectation(rows, expected.Get(TestExpectKeys.Ordered), expected.Get(TestExpectKeys.Rejected), filtered);
    }

    /// <summary>Whether the mapping has one of its keys, read without an error, and no other.</summary>
    private static bool HasOne(BoundMapping mapping, ReadState state, params Key[] keys)
    {
        var given = keys.Where(mapping.IsGiven).ToList();
        if (given.Count != 1) state.Report(mapping.Position, mapping.Path, $"needs one of {string.Join(", ", keys.Select(key => key.Name))}; found {(given.Count == 0 ? "none" : string.Join(" and ", given.Select(key => key.Name)))}");
        return given.Count == 1 && mapping.IsWhole;
    }
}
