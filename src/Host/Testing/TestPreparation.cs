using System.Collections.Immutable;
using System.Text;
using System.Text.Json;
using Matih.Definition;
using Matih.Host.Statements;
using Matih.Hosting;
using Matih.Planning;

namespace Matih.Host.Testing;

/// <summary>A test with all that it needs.</summary>
/// <param name="Rows">Null where the rows do not matter.</param>
internal sealed record PreparedTest(TestDefinition Definition, PlannedFlow Flow, IReadOnlyList<TestRecord> Records, ExpectedRows? Rows);

/// <summary>
/// Brings a definition's tests together with its flows and their files, and finds what is wrong with them without running one:
/// columns that there are not, values of another type, files that cannot be read.
/// </summary>
internal sealed class TestPreparation
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    private readonly LoadedPipeline _pipeline;
    private readonly string _folder;
    private readonly List<DefinitionError> _errors = [];

    private TestPreparation(LoadedPipeline pipeline, string folder) => (_pipeline, _folder) = (pipeline, folder);

    /// <param name="folder">The definition's folder, from which relative paths start.</param>
    public static (ImmutableArray<PreparedTest> Tests, ImmutableArray<DefinitionError> Errors) Prepare(LoadedPipeline pipeline, string folder)
    {
        var preparation = new TestPreparation(pipeline, folder);
        ImmutableArray<PreparedTest> tests = [.. pipeline.Definition.Tests.Select(preparation.Prepare).OfType<PreparedTest>()];
        return (tests, [.. preparation._errors]);
    }

    private PreparedTest? Prepare(TestDefinition test)
    {
        if (_pipeline.Flows.FirstOrDefault(flow => flow.Definition.Sink.Name == test.Sink) is not { } flow)
        {
            _errors.Add(ExpectedRows.At(test.Position, test.Path, $"the statements of sink '{test.Sink}' are ones that Flink alone runs, and tests run on this engine; take the test out, or write the statements so that matih validate accepts them without engine: flink"));
            return null;
        }
        if (flow.Definition.Source.Format == RecordFormat.Avro)
        {
            _errors.Add(ExpectedRows.At(test.Position, test.Path, $"source '{flow.Definition.Source.Name}' has format avro, whose records cannot be written as text; tests of it do not exist in this version"));
            return null;
        }
        var records = test.Input switch
        {
            TestInput.Records given => given.Items,
            TestInput.Lines lines => [.. LinesOf(lines.FilePath, lines.Position, lines.Path).Select(line => new TestRecord(line.Bytes))],
            _ => throw new InvalidOperationException($"Unknown input {test.Input}."),
        };
        return new PreparedTest(test, flow, records, test.Expected.Rows is { } rows ? RowsOf(rows, flow, test) : null);
    }

    private ExpectedRows RowsOf(TestRows rows, PlannedFlow flow, TestDefinition test)
    {
        var type = flow.Plan.Query.Output;
        return rows switch
        {
            TestRows.Listed listed => ExpectedRows.Read(listed.Rows, type, (test.Position, $"{test.Path}.expect.rows"), _errors),
            TestRows.Lines lines => ExpectedRows.Read([.. LinesOf(lines.FilePath, lines.Position, lines.Path).Select(line => RowOf(line, lines)).OfType<TestRow>()], type, (lines.Position, lines.Path), _errors),
            _ => throw new InvalidOperationException($"Unknown rows {rows}."),
        };
    }

    private TestRow? RowOf((int Number, ReadOnlyMemory<byte> Bytes) line, TestRows.Lines lines)
    {
        var position = new DefinitionPosition(lines.FilePath, line.Number, 1);
        try
        {
            using var json = JsonDocument.Parse(line.Bytes, Strict);
            if (json.RootElement.ValueKind == JsonValueKind.Object)
                return new TestRow([.. json.RootElement.EnumerateObject().Select(member => new TestValue(member.Name, Encoding.UTF8.GetBytes(member.Value.GetRawText()), position, $"{lines.Path}: {member.Name}"))], position, lines.Path);
            _errors.Add(ExpectedRows.At(position, lines.Path, $"expected a JSON object, found {Encoding.UTF8.GetString(line.Bytes.Span)}"));
        }
        catch (JsonException exception)
        {
            _errors.Add(ExpectedRows.At(position with { Column = (int)(exception.BytePositionInLine ?? 0) + 1 }, lines.Path, $"is no JSON object: {exception.Message}"));
        }
        return null;
    }

    /// <summary>The lines but empty ones, with their numbers from 1; none after a report.</summary>
    private IEnumerable<(int Number, ReadOnlyMemory<byte> Bytes)> LinesOf(string file, DefinitionPosition position, string path)
    {
        try
        {
            return [.. SampleLines.Of(File.OpenRead(Path.GetFullPath(file, _folder))).Select((bytes, i) => (i + 1, bytes)).Where(line => !line.bytes.IsEmpty)];
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            _errors.Add(ExpectedRows.At(position, path, $"{file} cannot be read: {exception.Message} Relative paths start from the definition's folder."));
            return [];
        }
    }
}
