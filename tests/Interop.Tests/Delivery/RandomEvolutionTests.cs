using System.Collections.Concurrent;
using System.Globalization;
using System.Text.Json;
using Matih.Engine.Tests.Delivery;
using Matih.Fixtures;
using Matih.Iceberg.Manifests;
using Matih.Iceberg.Metadata;

namespace Matih.Interop.Tests.Delivery;

/// <summary>
/// The reference implementation changes a pipeline's table between its commits and while it runs: columns, partition spec,
/// properties, rows of its own, files rewritten. Every row of before and after is readable, right, and there once, by three readers.
/// </summary>
public sealed class RandomEvolutionTests(ITestOutputHelper output)
{
    private static int SeedCount => Soak.IsOn ? 200 : 20;

    [Fact]
    public async Task Every_row_is_right_and_there_once_whatever_others_change()
    {
        var failures = new ConcurrentBag<string>();
        await Parallel.ForEachAsync(Enumerable.Range(1, SeedCount), new ParallelOptions { MaxDegreeOfParallelism = 2 }, async (seed, _) =>
        {
            var story = new List<string>();
            try
            {
                await new Evolution(seed, story).RunAsync();
            }
            catch (Exception e)
            {
                failures.Add($"seed {seed} ({string.Join("; ", story)}): {e.Message}");
            }
        });
        foreach (var failure in failures.Take(5)) output.WriteLine(failure);
        Assert.True(failures.IsEmpty, $"{failures.Count} of {SeedCount} seeds failed: {failures.FirstOrDefault()}");
    }
}

/// <summary>One table's life, and what it should hold.</summary>
/// <param name="seed">Decides everything.</param>
/// <param name="story">Gets what was done.</param>
internal sealed class Evolution(int seed, List<string> story)
{
    private const string Schema = "id BIGINT NOT NULL, note STRING, qty INT, amount DECIMAL(8, 2), ratio FLOAT, address ROW<city STRING, zip STRING>, tags ARRAY<STRING>";

    private readonly Random _random = new(seed);

    /// <summary>The query's columns: name in the table, and the expression that gives it.</summary>
    private readonly List<QueryColumn> _query =
    [
        new("id", "id", id => id), new("note", "note", id => $"n{id}"), new("partition", "`partition`", id => id % 2), new("offset", "`offset`", id => id / 2),
    ];

    private readonly Queue<QueryColumn> _more = new(
    [
        new("qty", "qty", id => id % 100), new("amount", "amount", id => string.Create(CultureInfo.InvariantCulture, $"{id % 100}.25")), new("ratio", "ratio", id => id % 16 * 0.5),
        new("address", "CAST(ROW(address.city) AS ROW<city STRING>)", id => new SortedDictionary<string, object?>(StringComparer.Ordinal) { ["city"] = $"c{id}" }),
        new("tags", "tags", id => new object?[] { $"t{id}", null }),
    ]);

    /// <summary>Each row's values by the columns' names as they are now.</summary>
    private readonly List<Dictionary<string, object?>> _rows = [];

    private readonly List<string> _theirs = [];
    private int _nextId, _nextForeignId = -1, _nextColumn = 1;
    private bool _isZipAdded, _isWide;

    public async Task RunAsync()
    {
        using var flow = new FlowHarness(partitionCount: 2) { Definition = FlowHarness.Orders.Replace("\"id BIGINT, note STRING\"", $"\"{Schema}\"", StringComparison.Ordinal) };
        flow.Overrides.Add("sinks.lake.schema_evolution=full");
        if (_random.Next(2) == 0) flow.Overrides.Add("sinks.lake.partition_by=['bucket(3, id)']");
        if (_random.Next(4) == 0) flow.Overrides.Add("sinks.lake.properties={format-version: \"3\"}");
        await StepAsync(flow, act: null, isConcurrent: false);
        for (var step = 4 + _random.Next(5); step > 0; step--)
        {
            await ChangeQueryAsync(flow);
            var isConcurrent = _random.Next(3) == 0;
            await StepAsync(flow, () => ChangeTableAsync(flow, isConcurrent), isConcurrent);
            await CompareAsync(flow);
        }
        await CompareWithOthersAsync(flow);
        await IcebergReference.CheckAsync(flow.TableFolder);
        await flow.AssertVerifiesAsync();
    }

    private async Task StepAsync(FlowHarness flow, Func<Task>? act, bool isConcurrent)
    {
        var select = $"transformations.typed.sql=SELECT {string.Join(", ", _query.Select(column => $"{column.Expression} AS `{column.Name}`"))} FROM {{{{ input }}}}";
        if (!isConcurrent)
        {
            if (act is not null) await act();
            // The change may have renamed a column, which the query then follows.
            select = $"transformations.typed.sql=SELECT {string.Join(", ", _query.Select(column => $"{column.Expression} AS `{column.Name}`"))} FROM {{{{ input }}}}";
            flow.Overrides.RemoveAll(item => item.StartsWith("transformations.", StringComparison.Ordinal));
            flow.Overrides.Add(select);
            Produce(flow, 1 + _random.Next(8));
            await flow.CatchUpAsync();
            return;
        }
        flow.Overrides.RemoveAll(item => item.StartsWith("transformations.", StringComparison.Ordinal));
        flow.Overrides.Add(select);
        var committed = flow.CommittedRowCount;
        var acting = Task.CompletedTask;
        try
        {
            await flow.RunDuringAsync(async () =>
            {
                var first = 1 + _random.Next(8);
                Produce(flow, first);
                if (_random.Next(2) == 0) await flow.WaitForRowsAsync(committed + first);
                acting = act!();
                var second = 1 + _random.Next(8);
                Produce(flow, second);
                await acting;
                await flow.WaitForRowsAsync(committed + first + second);
            });
        }
        finally
        {
            // Where the run has failed, nobody else waits for it, and the folder is removed next.
            await acting.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private void Produce(FlowHarness flow, int count)
    {
        for (; count > 0; count--)
        {
            var id = _nextId++;
            flow.Topic.Append(id % 2, string.Create(CultureInfo.InvariantCulture,
                $$"""{"id":{{id}},"note":"n{{id}}","qty":{{id % 100}},"amount":{{id % 100}}.25,"ratio":{{id % 16 * 0.5}},"address":{"city":"c{{id}}","zip":"z{{id}}"},"tags":["t{{id}}",null]}"""));
            var row = NamesNow().ToDictionary(name => name, _ => (object?)null, StringComparer.Ordinal);
            foreach (var column in _query) row[column.Name] = column.Value(id);
            _rows.Add(row);
        }
    }

    private string NoteName => _query.First(column => column.Name.StartsWith("note", StringComparison.Ordinal)).Name;

    private HashSet<string> NamesNow() => [.. _rows.SelectMany(row => row.Keys), .. _query.Select(column => column.Name), .. _theirs];

    /// <summary>The definition changes between runs: a column more, or a wider type.</summary>
    private Task ChangeQueryAsync(FlowHarness flow)
    {
        switch (_random.Next(4))
        {
            case 0 when _more.TryDequeue(out var next):
                story.Add($"the query adds {next.Name}");
                _query.Add(next);
                foreach (var row in _rows) row[next.Name] = null;
                break;
            case 1 when _query.Find(column => column.Name == "address") is { } address && !_isZipAdded:
                story.Add("the query adds address.zip");
                _isZipAdded = true;
                _query[_query.IndexOf(address)] = address with
                {
                    Expression = "address",
                    Value = id => new SortedDictionary<string, object?>(StringComparer.Ordinal) { ["city"] = $"c{id}", ["zip"] = $"z{id}" },
                };
                foreach (var row in _rows)
                    if (row.GetValueOrDefault("address") is SortedDictionary<string, object?> old) old["zip"] = null;
                break;
            case 2 when !_isWide:
                story.Add("the query widens");
                _isWide = true;
                Widen("qty", "CAST(qty AS BIGINT)");
                Widen("amount", "CAST(amount AS DECIMAL(12, 2))");
                Widen("ratio", "CAST(ratio AS DOUBLE)");
                break;
        }
        return Task.CompletedTask;

        void Widen(string name, string expression)
        {
            if (_query.FindIndex(column => column.Expression == name) is var at and >= 0) _query[at] = _query[at] with { Expression = expression };
        }
    }

    /// <summary>The other engine changes something.</summary>
    /// <param name="isConcurrent">Whether the pipeline runs meanwhile: its own columns then stay what they are.</param>
    private async Task ChangeTableAsync(FlowHarness flow, bool isConcurrent)
    {
        var folder = flow.TableFolder;
        switch (_random.Next(isConcurrent ? 9 : 11))
        {
            case 0:
                var added = $"f{_nextColumn++}";
                await SetSchemaAsync("add", added, _random.Next(2) == 0 ? "string" : "list<int>");
                _theirs.Add(added);
                foreach (var row in _rows.ToList()) row[added] = null;
                break;
            case 1 when _theirs.Count > 0:
                var (old, renamed) = (_theirs[0], $"g{_nextColumn++}");
                await SetSchemaAsync("rename", old, renamed);
                Rename(old, renamed);
                _theirs[0] = renamed;
                break;
            case 2 when _theirs.Count > 0:
                await SetSchemaAsync("drop", _theirs[^1]);
                foreach (var row in _rows) row.Remove(_theirs[^1]);
                _theirs.RemoveAt(_theirs.Count - 1);
                break;
            case 3 when !_isWide && _query.Exists(column => column.Name == "qty") && (await ColumnTypeAsync(flow, "qty")) == "int":
                await SetSchemaAsync("widen", "qty", "long");
                break;
            case 4:
                await SetSchemaAsync("move-first", NoteName);
                break;
            case 5:
                var isUnpartitioned = (await flow.TableAsync()).Metadata.DefaultSpec.Fields.All(field => field.Transform is Transform.Void);
                await WriteAsync("set-spec", isUnpartitioned ? "add" : "drop", isUnpartitioned ? $"truncate[2]({NoteName})" : await SpecFieldAsync(flow));
                break;
            case 6:
                string[] properties = ["write.parquet.compression-codec=gzip", "write.target-file-size-bytes=70000", "write.distribution-mode=none", "format-version=3"];
                await WriteAsync("set-props", properties[_random.Next(properties.Length)]);
                break;
            case 7:
                await AppendAsync(flow);
                break;
            case 8:
                await WriteAsync("rewrite-data-files", "--all");
                break;
            case 9:
                var was = _query.Find(column => column.Name == NoteName)!;
                var name = $"note{_nextColumn++}";
                await SetSchemaAsync("rename", was.Name, name);
                Rename(was.Name, name);
                _query[_query.IndexOf(was)] = was with { Name = name };
                break;
            case 10 when _rows.Exists(row => row["id"] is < 0L or < 0):
                await WriteAsync("delete-where", "--where", "id < 0", "--mode", _random.Next(2) == 0 ? "position" : "copy");
                _rows.RemoveAll(row => row["id"] is < 0L or < 0);
                break;
        }

        Task SetSchemaAsync(params string[] arguments) => WriteAsync("set-schema", arguments);

        async Task WriteAsync(string command, params string[] arguments)
        {
            story.Add($"{(isConcurrent ? "meanwhile " : "")}{command} {string.Join(' ', arguments)}");
            for (var attempt = 1; ; attempt++)
            {
                var done = await IcebergReference.RunAsync(command, folder, arguments);
                if (done.ExitCode == 0) return;
                // The pipeline committed first, again and again: another engine tries later.
                if (attempt == 20 || !isConcurrent) done.Expect();
            }
        }
    }

    private void Rename(string old, string renamed)
    {
        foreach (var row in _rows)
            if (row.Remove(old, out var value)) row[renamed] = value;
    }

    private async Task AppendAsync(FlowHarness flow)
    {
        var id = _nextForeignId--;
        story.Add($"append {id}");
        var row = NamesNow().ToDictionary(name => name, _ => (object?)null, StringComparer.Ordinal);
        (row["id"], row["partition"], row["offset"]) = (id, -1, id);
        row[NoteName] = "theirs";
        await IcebergReference.AppendAsync(flow.TableFolder, [$$"""{"id":{{id}},"partition":-1,"offset":{{id}},"{{NoteName}}":"theirs"}"""]);
        _rows.Add(row);
    }

    private static async Task<string> ColumnTypeAsync(FlowHarness flow, string name) => (await flow.TableAsync()).Metadata.CurrentSchema.FindColumn(name)?.Type.Name ?? "";

    private static async Task<string> SpecFieldAsync(FlowHarness flow)
    {
        var metadata = (await flow.TableAsync()).Metadata;
        var field = metadata.DefaultSpec.Fields.First(field => field.Transform is not Transform.Void);
        return $"{field.Transform}({metadata.CurrentSchema.FindField(field.SourceId)!.Name})";
    }

    private async Task CompareAsync(FlowHarness flow) => AssertSame("Java", (await IcebergReference.ScanAsync(flow.TableFolder)).Select(row => Shown(row)));

    private async Task CompareWithOthersAsync(FlowHarness flow)
    {
        var metadata = (await flow.TableAsync()).MetadataLocation;
        var duck = await DuckDb.QueryAsync($"SELECT CAST(id AS VARCHAR) AS id, CAST(\"offset\" AS VARCHAR) AS o FROM iceberg_scan('{metadata}')");
        Assert.Equal(_rows.Select(row => $"{row["id"]} {row["offset"]}").Order(StringComparer.Ordinal), duck.Select(row => $"{row.GetProperty("id").GetString()} {row.GetProperty("o").GetString()}").Order(StringComparer.Ordinal));
        var python = await PyIceberg.ScanAsync(metadata);
        var names = NamesNow().Where(name => name is not ("address" or "tags")).ToList();
        Assert.Equal(
            _rows.Select(row => string.Join('|', names.Order(StringComparer.Ordinal).Select(name => Number(row.GetValueOrDefault(name))))).Order(StringComparer.Ordinal),
            python.Select(row => string.Join('|', names.Order(StringComparer.Ordinal).Select(name => row.TryGetProperty(name, out var value) && value.GetString() is { } text ? Number(text) : "NULL"))).Order(StringComparer.Ordinal));

        static string Number(object? value) => value switch
        {
            null => "NULL",
            double number => number.ToString("0.0###", CultureInfo.InvariantCulture),
            _ => Convert.ToString(value, CultureInfo.InvariantCulture)!,
        };
    }

    private void AssertSame(string reader, IEnumerable<string> found)
    {
        var (expected, actual) = (_rows.Select(row => Shown(JsonSerializer.SerializeToElement(row))).Order(StringComparer.Ordinal).ToList(), found.Order(StringComparer.Ordinal).ToList());
        var missing = expected.Except(actual).Take(3).ToList();
        var more = actual.Except(expected).Take(3).ToList();
        Assert.True(expected.SequenceEqual(actual), $"{reader} finds {actual.Count} rows, expected {expected.Count}; missing {string.Join(" , ", missing)}; unexpected {string.Join(" , ", more)}");
    }

    /// <summary>A value as text, members by name; 2 and 2.0 are one.</summary>
    private static string Shown(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.Object => $"{{{string.Join(",", value.EnumerateObject().OrderBy(member => member.Name, StringComparer.Ordinal).Select(member => $"{member.Name}:{Shown(member.Value)}"))}}}",
        JsonValueKind.Array => $"[{string.Join(",", value.EnumerateArray().Select(Shown))}]",
        JsonValueKind.Number => value.GetDouble().ToString("R", CultureInfo.InvariantCulture),
        JsonValueKind.Null => "NULL",
        _ => value.ToString(),
    };

    private sealed record QueryColumn(string Name, string Expression, Func<int, object?> Value);
}
