using System.Collections.Immutable;
using Matih.Fixtures;
using Matih.Hosting;
using Matih.Iceberg;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;
using Matih.Iceberg.Metadata;
using Matih.Storage;

namespace Matih.Interop.Tests.Iceberg;

/// <summary>
/// A warehouse of ours beside tables of the reference implementation. Data files come from those tables, read out of their
/// manifests: so both the reading of foreign manifests and the writing of our own are checked against the rows.
/// </summary>
internal sealed class ForeignData
{
    public const string AllTypes =
        "id long required, b boolean, i int, f float, d double, dec decimal(20,3), big decimal(38,10), dt date, tm time, ts timestamp, tz timestamptz, s string, u uuid, fx fixed[4], bin binary";

    /// <remarks>The uuids have a first bit of 0: the reference implementation compares them as signed numbers, in bounds of its own files too.</remarks>
    public static readonly string[] AllTypesRows =
    [
        """{"id":1,"b":true,"i":-7,"f":1.5,"d":-0.0,"dec":"-12345.678","big":"1234567890123456789012345678.0123456789","dt":"1969-12-31","tm":"23:59:59.999999","ts":"1969-12-31T23:59:59.999999","tz":"1969-12-31T23:59:59.999999+00:00","s":"Grüße aus 東京 🚀 and a tail that is longer than sixteen","u":"779c3e09-677c-4bbd-a479-3f349cb785e7","fx":"AAECAw==","bin":"//////////////////////////8="}""",
        """{"id":-9223372036854775808,"b":false,"i":2147483647,"f":"NaN","d":"NaN","dec":"0.001","big":"-0.0000000001","dt":"0001-01-01","tm":"00:00:00","ts":"0001-01-01T00:00:00","tz":"2024-02-29T12:34:56.789012+00:00","s":"","u":"00000000-0000-0000-0000-000000000000","fx":"/////w==","bin":""}""",
        """{"id":9223372036854775807,"b":null,"i":null,"f":null,"d":null,"dec":null,"big":null,"dt":null,"tm":null,"ts":null,"tz":null,"s":null,"u":null,"fx":null,"bin":null}""",
        """{"id":34,"b":true,"i":34,"f":"Infinity","d":"-Infinity","dec":"14.200","big":"14.2000000000","dt":"2017-11-16","tm":"22:31:08","ts":"2017-11-16T22:31:08.000001","tz":"2017-11-16T22:31:08+00:00","s":"a b/c=d%e?&+.","u":"11111111-2222-3333-4444-555555555555","fx":"AAECAw==","bin":"AAECAw=="}""",
    ];

    private readonly SystemIdSource _ids = new();

    public ForeignData(string? prefix = null)
    {
        Folder = TemporaryDirectory.New();
        Store = new LocalStore(_ids);
        Catalog = new FileCatalog(Store, prefix + Folder, _ids, TimeProvider.System);
    }

    public string Folder { get; }
    public LocalStore Store { get; }
    public FileCatalog Catalog { get; }

    public string PathOf(string name) => Path.Combine(Folder, "ns", name);

    public static TableIdentifier Name(string name) => new(["ns"], name);

    /// <summary>A table of the reference implementation with the rows.</summary>
    public async Task<Table> CreateForeignAsync(string name, string schema, string? partition, IEnumerable<string> rows, params string[] options)
    {
        await IcebergReference.CreateAsync(PathOf(name), schema, partition, options);
        await IcebergReference.AppendAsync(PathOf(name), rows);
        return await LoadAsync(name);
    }

    public async Task<Table> LoadAsync(string name) => (await Catalog.LoadAsync(Name(name), default))!;

    /// <summary>A table of ours with the schema and partitioning of another.</summary>
    public async Task<Table> CreateLikeAsync(string name, Table other, params (string, string)[] properties)
    {
        var values = properties.ToImmutableSortedDictionary(property => property.Item1, property => property.Item2, StringComparer.Ordinal);
        var (table, isCreated) = await Catalog.CreateAsync(Name(name), new NewTable(other.Metadata.CurrentSchema, other.Metadata.DefaultSpec, values), default);
        Assert.True(isCreated);
        return table;
    }

    public static async Task<IReadOnlyList<DataFile>> FilesOfAsync(Table table) =>
        await SnapshotReader.LiveFilesAsync(table, table.Metadata.CurrentSnapshot!, default);

    /// <summary>Copies data files, so that one table's file may be added again and again.</summary>
    public IReadOnlyList<DataFile> Copies(IReadOnlyList<DataFile> files, string folder) => [.. files.Select(file =>
    {
        Directory.CreateDirectory(folder);
        var copy = Path.Combine(folder, $"{_ids.NewUuid():D}.parquet");
        File.Copy(file.Path, copy);
        return file with { Path = copy };
    })];

    /// <summary>Appends files in one commit of ours, which must succeed.</summary>
    public Task<Table> AppendAsync(Table table, IReadOnlyList<DataFile> files, params (string, string)[] summary) =>
        ReplaceAsync(table, FileRemoval.None, files, summary);

    /// <summary>Takes files out and adds others in one commit of ours, which must succeed.</summary>
    public async Task<Table> ReplaceAsync(Table table, FileRemoval removal, IReadOnlyList<DataFile> files, params (string, string)[] summary)
    {
        var prepared = await PreparedChange.PrepareAsync(table, files, removal, _ids, default);
        var attempt = Assert.IsType<ChangeAttempt.Ready>(await AttemptAsync(prepared, table, summary));
        return Assert.IsType<CommitResult.Committed>(await Catalog.CommitAsync(table, attempt.Requirements, attempt.Updates, default)).Table;
    }

    public static ValueTask<ChangeAttempt> AttemptAsync(PreparedChange prepared, Table table, params (string, string)[] summary) => prepared.AttemptAsync(
        table,
        table.Metadata.NextTimestampMillis(TimeProvider.System.GetUtcNow()),
        summary.ToDictionary(entry => entry.Item1, entry => entry.Item2),
        [new TableUpdate.SetSnapshotRef("matih-p-s", SnapshotRef.LastingTag(prepared.SnapshotId))],
        default);

    public Task<PreparedChange> PrepareAsync(Table table, FileRemoval removal, IReadOnlyList<DataFile> files) =>
        PreparedChange.PrepareAsync(table, files, removal, _ids, default).AsTask();
}
