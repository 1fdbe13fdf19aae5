using System.Globalization;
using System.Text.Json;
using Matih.Fixtures;
using Matih.Iceberg;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Metadata;
using Matih.Interop.Tests.Maintenance.Compaction;

namespace Matih.Interop.Tests.Iceberg;

/// <summary>
/// A table that another engine raises from version 1 to 3, appends to, deletes from, rewrites and adds columns to, while we
/// append to it and compact it: at the end its rows are those of a model, for every reader.
/// </summary>
public sealed class RandomVersionsTests
{
    private const int StepCount = 40;

    [Theory, LongTest]
    [InlineData(1, null)]
    [InlineData(2, "bucket[2](id)")]
    [InlineData(3, "truncate[1](s)")]
    [InlineData(4, null)]
    public async Task Every_row_is_read_right_whatever_others_do_between_our_commits(int seed, string? partition)
    {
        var run = new Run(new Random(seed), partition, hasEqualityDeletes: seed % 2 == 0);
        await run.StartAsync();
        try
        {
            for (var step = 0; step < StepCount; step++) await run.StepAsync(step);
            await run.CheckAsync();
        }
        catch (Exception exception) when (exception is not Xunit.Sdk.IAssertionException)
        {
            throw new InvalidOperationException($"After {run.Log}: {exception.Message}", exception);
        }
    }

    /// <param name="hasEqualityDeletes">DuckDB 1.5.5 does not read them beside NULL in the columns that they compare; then it has no say.</param>
    private sealed class Run(Random random, string? partition, bool hasEqualityDeletes)
    {
        private readonly ForeignData _data = new();
        private readonly List<Dictionary<string, object?>> _rows = [];
        private readonly List<(string Name, int Initial, int? Write)> _columns = [];
        private readonly List<string> _log = [];
        private int _version = 1;
        private int _nextId;

        private string Folder => _data.PathOf("t");

        public string Log => string.Join("; ", _log);

        public Task StartAsync() => IcebergReference.CreateAsync(
            Folder, "id long required, s string", partition, "--format-version", "1", "--table-prop", $"commit.manifest.min-count-to-merge={random.Next(2, 6)}");

        public async Task StepAsync(int step)
        {
            // The table is of each version for about a third of the steps.
            if (_version < 3 && step >= _version * StepCount / 3) await RaiseAsync();
            else if (random.Next(3) == 0) await AppendAsync();
            else if (random.Next(4) == 0) await RaceAsync();
            else await OthersAsync();
        }

        private Task OthersAsync() => random.Next(6) switch
        {
            0 or 1 => TheyAppendAsync(),
            2 => DeleteAsync(),
            3 => _version == 3 ? AddColumnAsync() : TheyAppendAsync(),
            4 => random.Next(2) == 0 ? RewriteAsync("rewrite-manifests") : RewriteAsync("rewrite-data-files"),
            _ => CompactAsync(),
        };

        private async Task RaiseAsync()
        {
            _log.Add($"raised to {++_version}");
            await IcebergReference.WriteAsync("set-props", Folder, $"format-version={_version}");
        }

        private async Task AppendAsync()
        {
            var rows = NewRows("ours");
            await FormatVersionTests.WriteAsync(_data, rows);
            Remember(rows);
        }

        /// <summary>A commit of ours that is prepared before another engine changes the table. Where that gave the table other columns, it is written again.</summary>
        private async Task RaceAsync()
        {
            var table = await _data.LoadAsync("t");
            var rows = NewRows("race");
            var prepared = await _data.PrepareAsync(table, FileRemoval.None, await FormatVersionTests.FilesAsync(table, rows));
            var lost = Assert.IsType<ChangeAttempt.Ready>(await ForeignData.AttemptAsync(prepared, table));
            await (_version < 3 && random.Next(2) == 0 ? RaiseAsync() : OthersAsync());
            var now = await _data.LoadAsync("t");
            if (now.MetadataLocation != table.MetadataLocation) Assert.IsType<CommitResult.Conflict>(await _data.Catalog.CommitAsync(table, lost.Requirements, lost.Updates, default));
            if (now.Metadata.CurrentSchemaId != table.Metadata.CurrentSchemaId) prepared = await _data.PrepareAsync(now, FileRemoval.None, await FormatVersionTests.FilesAsync(now, rows));
            var ready = Assert.IsType<ChangeAttempt.Ready>(await ForeignData.AttemptAsync(prepared, now));
            Assert.IsType<CommitResult.Committed>(await _data.Catalog.CommitAsync(now, ready.Requirements, ready.Updates, default));
            Remember(rows);
        }

        private List<(long Id, string? Text)> NewRows(string by)
        {
            List<(long Id, string? Text)> rows = [.. Enumerable.Range(0, random.Next(1, 6)).Select(_ => ((long)_nextId++, random.Next(8) == 0 ? null : $"{(char)('a' + random.Next(3))} {by}"))];
            _log.Add($"{by} {rows[0].Id}..{rows[^1].Id}");
            return rows;
        }

        private void Remember(IEnumerable<(long Id, string? Text)> rows)
        {
            foreach (var (id, text) in rows)
            {
                var row = new Dictionary<string, object?> { ["id"] = id, ["s"] = text };
                foreach (var (name, _, write) in _columns) row[name] = write;
                _rows.Add(row);
            }
        }

        private async Task TheyAppendAsync()
        {
            var rows = NewRows("java");
            await IcebergReference.AppendAsync(Folder, rows.Select(row => JsonSerializer.Serialize(new { id = row.Id, s = row.Text })));
            Remember(rows);
        }

        private async Task DeleteAsync()
        {
            if (_rows.Count == 0) return;
            var ids = Enumerable.Range(0, random.Next(1, 4)).Select(_ => (long)_rows[random.Next(_rows.Count)]["id"]!).Distinct().ToList();
            string[] modes = _version switch { 1 => ["copy"], 2 => ["copy", "position"], _ => ["copy", "dv", "dv"] };
            if (hasEqualityDeletes && _version > 1) modes = [.. modes, "equality"];
            var mode = modes[random.Next(modes.Length)];
            _log.Add($"deleted {string.Join(',', ids)} by {mode}");
            await IcebergReference.WriteAsync("delete-where", Folder, ["--where", $"id in ({string.Join(", ", ids)})", "--mode", mode, .. mode == "equality" ? (string[])["--key", "id"] : []]);
            _rows.RemoveAll(row => ids.Contains((long)row["id"]!));
        }

        private async Task AddColumnAsync()
        {
            if (_columns.Count == 3) return;
            var column = (Name: $"c{_columns.Count}", Initial: random.Next(100), Write: random.Next(3) == 0 ? null : (int?)random.Next(100));
            _log.Add($"added {column}");
            await FormatVersionTests.AddColumnsAsync(_data, new NestedField(10 + _columns.Count, column.Name, false, new IcebergType.Int())
            {
                InitialDefault = column.Initial.ToString(CultureInfo.InvariantCulture), WriteDefault = column.Write?.ToString(CultureInfo.InvariantCulture),
            });
            _columns.Add(column);
            foreach (var row in _rows) row[column.Name] = column.Initial;
        }

        private async Task RewriteAsync(string command)
        {
            if ((await _data.LoadAsync("t")).Metadata.CurrentSnapshot is null) return;
            _log.Add(command);
            await IcebergReference.WriteAsync(command, Folder);
        }

        private async Task CompactAsync()
        {
            var before = await LineageAsync();
            var report = await RowLineageTests.CompactAsync(_data);
            Assert.Empty(report.Skipped);
            _log.Add($"compacted {report.Rewritten.Length}");
            if (before is not null) Assert.Equal(before, await LineageAsync());
        }

        /// <summary>The ids and ages of the rows as DuckDB reads them; null where the table, or a row, has none.</summary>
        private async Task<List<string>?> LineageAsync()
        {
            if (_version < 3 || _rows.Count == 0 || hasEqualityDeletes) return null;
            var rows = await DuckDb.QueryAsync($"select id, _row_id, _last_updated_sequence_number as age from iceberg_scan('{Folder}')");
            return rows.Any(row => row.GetProperty("_row_id").ValueKind == JsonValueKind.Null) ? null : [.. rows.Select(row => row.GetRawText()).Order(StringComparer.Ordinal)];
        }

        public async Task CheckAsync()
        {
            await IcebergReference.CheckAsync(Folder);
            var found = (await IcebergReference.ScanAsync(Folder)).Select(row => row.GetRawText()).Order(StringComparer.Ordinal).ToList();
            var expected = _rows.Select(row => JsonSerializer.Serialize(row)).Order(StringComparer.Ordinal).ToList();
            Assert.True(expected.SequenceEqual(found), $"After {Log}:\nmissing {string.Join(' ', expected.Except(found))}\ntoo much {string.Join(' ', found.Except(expected))}");
            Assert.Equal(3, (await _data.LoadAsync("t")).Metadata.FormatVersion);
            if (hasEqualityDeletes) return;
            Assert.Equal(_rows.Count, (await LineageAsync())!.Distinct().Count());
        }
    }
}
