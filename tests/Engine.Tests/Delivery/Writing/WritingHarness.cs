using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Matih.Batches;
using Matih.Delivery.IcebergTables;
using Matih.Delivery.Writing;
using Matih.Engine.Tests.Iceberg;
using Matih.Engine.Tests.Storage;
using Matih.Hosting;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;
using Matih.Iceberg.Metadata;
using Matih.Parquet;
using Matih.Planning;
using Matih.Storage;

namespace Matih.Engine.Tests.Delivery.Writing;

/// <summary>Lanes that write rows of three columns (key, number, text) into the files of a table partitioned by the key.</summary>
internal sealed class WritingHarness : IDisposable
{
    public static readonly RowType Rows = new([new Field("key", new DataType.Int()), new Field("number", new DataType.BigInt()), new Field("text", DataType.String)]);

    private readonly TemporaryFolder _folder = new();
    private readonly SystemIdSource _ids = new();

    public WritingHarness() => Store = new FaultyStore(new LocalStore(_ids));

    public FaultyStore Store { get; }

    /// <summary>Every file below the table's data folder, unfinished ones too.</summary>
    public string[] DataFiles => [.. Directory.GetFiles(_folder.Path, "*.parquet*", SearchOption.AllDirectories)];

    public MemoryScratch Scratch { get; init; } = new();

    public MemoryAccount Memory { get; init; } = MemoryAccount.Unlimited();

    public long TargetFileBytes { get; init; } = long.MaxValue;

    public GatheringLimits Limits { get; init; } = new(64 << 20);

    public bool IsPartitioned { get; init; } = true;

    /// <summary>The sort order's JSON; null for none.</summary>
    public string? Order { get; init; }

    public async Task<FileSets> CreateSetsAsync(int laneCount)
    {
        var schema = Schema.FromRow(Rows);
        var spec = IsPartitioned ? PartitionSpec.Create(schema, [("key", new Transform.Identity(), null)]) : PartitionSpec.Unpartitioned;
        var identifier = new TableIdentifier(["db"], "t");
        var (table, _) = await new FileCatalog(Store, _folder.Path, _ids, TimeProvider.System).CreateAsync(identifier, new NewTable(schema, spec, TableMetadata.EmptyProperties), default);
        if (Order is not null)
        {
            using var json = System.Text.Json.JsonDocument.Parse(Order);
            table = table with { Metadata = table.Metadata with { SortOrders = [SchemaJson.ReadSortOrder(json.RootElement)], DefaultSortOrderId = 3 } };
        }
        var plan = new TablePlan(identifier, Rows, [], TableMetadata.EmptyProperties, true, null);
        var writing = new FileWriting(
            Rows, IcebergBinding.Bind(plan, table), ParquetWriterSettings.Default with { Compression = ParquetCompression.None }, TargetFileBytes, Limits,
            table.Store, _ids, Memory, Scratch);
        return new FileSets(writing, laneCount, new SystemTaskStarter());
    }

    /// <summary>Lets lanes write batches of rows turn by turn, and gives the files of the checkpoint.</summary>
    public async Task<ImmutableArray<DataFile>> WriteAsync(int laneCount, IEnumerable<(int Key, long Number)[]> batches, bool isScarce = false)
    {
        await using var sets = await CreateSetsAsync(laneCount);
        var lanes = Enumerable.Range(0, laneCount).Select(_ => new SinkWriter(sets, isAlone: false)).ToList();
        try
        {
            var turn = 0;
            foreach (var batch in batches)
            {
                var lane = lanes[turn++ % laneCount];
                using var columns = new BatchColumns(batch, Memory);
                await lane.WriteAsync(columns.Batch, default);
                if (isScarce) await lane.RelieveAsync(default);
            }
            foreach (var lane in lanes) Assert.Empty(await lane.FinishAsync(default));
            return await CompleteAsync(sets);
        }
        finally
        {
            foreach (var lane in lanes) await lane.DisposeAsync();
        }
    }

    /// <summary>The files of a set, as manifests describe them.</summary>
    public static async Task<ImmutableArray<DataFile>> CompleteAsync(FileSets sets) => [.. (await sets.CompleteAsync(default)).Select(file => ((IcebergFile)file).File)];

    /// <summary>The rows of a file in their order; each row's text is that of its number.</summary>
    public static async Task<List<(int? Key, long? Number)>> ReadAsync(DataFile file)
    {
        var reader = new ParquetFileReader(await File.ReadAllBytesAsync(file.Path));
        var key = (FixedColumn<int>)reader.ReadColumn(0, MemoryAccount.Unlimited());
        var number = (FixedColumn<long>)reader.ReadColumn(1, MemoryAccount.Unlimited());
        var text = (BytesColumn)reader.ReadColumn(2, MemoryAccount.Unlimited());
        Assert.Equal(file.RecordCount, key.Count);
        var rows = new List<(int?, long?)>();
        for (var i = 0; i < key.Count; i++)
        {
            if (number.IsNull(i)) Assert.True(text.IsNull(i));
            else Assert.Equal(TextOf(number.Values[i]), Encoding.UTF8.GetString(text[i]));
            rows.Add((key.IsNull(i) ? null : key.Values[i], number.IsNull(i) ? null : number.Values[i]));
        }
        return rows;
    }

    private static string TextOf(long number) => string.Create(CultureInfo.InvariantCulture, $"text of {number}");

    /// <summary>Rows of random keys, with numbers from 0 up, in batches.</summary>
    public static List<(int Key, long Number)[]> RandomBatches(int rowCount, int keyCount, Random random)
    {
        var batches = new List<(int, long)[]>();
        for (long number = 0; number < rowCount;)
        {
            var batch = new (int, long)[Math.Min(rowCount - (int)number, random.Next(1, 500))];
            for (var i = 0; i < batch.Length; i++) batch[i] = (random.Next(keyCount), number++);
            batches.Add(batch);
        }
        return batches;
    }

    /// <summary>Asserts that the files hold exactly these rows, each file those of one key that its partition names.</summary>
    public static async Task AssertHoldAsync(IEnumerable<(int Key, long Number)[]> batches, ImmutableArray<DataFile> files, bool isPartitioned = true)
    {
        var found = new List<(int?, long?)>();
        foreach (var file in files)
        {
            var rows = await ReadAsync(file);
            if (isPartitioned) Assert.All(rows, row => Assert.Equal(row.Key!.Value, (int)file.Partition[0].Number));
            found.AddRange(rows);
        }
        Assert.Equal(batches.SelectMany(batch => batch).Select(row => ((int?)row.Key, (long?)row.Number)).Order(), found.Order());
    }

    public void Dispose() => _folder.Dispose();

    internal sealed class BatchColumns : IDisposable
    {
        private readonly FixedColumn<int> _key;
        private readonly FixedColumn<long> _number;
        private readonly BytesColumn _text;

        public BatchColumns((int Key, long Number)[] rows, MemoryAccount account)
        {
            _key = new(Rows[0].Type, account);
            _number = new(Rows[1].Type, account);
            _text = new(Rows[2].Type, account);
            foreach (var (key, number) in rows)
            {
                _key.Append(key);
                if (number < 0)
                {
                    _number.AppendNull();
                    _text.AppendNull();
                    continue;
                }
                _number.Append(number);
                _text.Append(Encoding.UTF8.GetBytes(TextOf(number)));
            }
            Batch = new ColumnBatch(Rows, [_key, _number, _text], rows.Length);
        }

        public ColumnBatch Batch { get; }

        public void Dispose()
        {
            _key.Dispose();
            _number.Dispose();
            _text.Dispose();
        }
    }
}
