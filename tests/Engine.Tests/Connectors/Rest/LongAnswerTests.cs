using System.Text;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Metadata;

namespace Matih.Engine.Tests.Connectors.Rest;

/// <summary>Answers that are so long that their memory is used again.</summary>
public sealed class LongAnswerTests : IDisposable
{
    private readonly RestSetting _rest = new();

    public void Dispose() => _rest.Dispose();

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task What_a_table_holds_stays_as_it_is_when_later_answers_are_read(bool givesETags)
    {
        _rest.Server.GivesETags = givesETags;
        await _rest.CreateAsync();
        await _rest.ForeignAppendAsync();
        for (var i = 0; i < 60; i++) AddLongSnapshot();
        var seen = new List<Table> { await _rest.LoadAsync() };

        for (var i = 0; i < 5; i++)
        {
            AddLongSnapshot();
            seen.Add(await _rest.LoadAsync());
            seen.Add(Assert.IsType<CommitResult.Committed>(await _rest.AppendAsync(seen[^1])).Table);
            seen.Add(await _rest.LoadAsync());
        }

        var all = _rest.Server.MetadataOf(RestSetting.Orders);
        var texts = all.Snapshots.ToDictionary(snapshot => snapshot.Id, TextOf);
        Assert.Equal([62 - 1, .. Enumerable.Range(0, 5).SelectMany(i => new[] { 62 + 2 * i, 63 + 2 * i, 63 + 2 * i })], seen.Select(table => table.Metadata.Snapshots.Length));
        foreach (var table in seen)
        {
            Assert.All(table.Metadata.Snapshots, snapshot => Assert.Equal(texts[snapshot.Id], TextOf(snapshot)));
            Assert.Equal(all.SnapshotLog.Take(table.Metadata.SnapshotLog.Count), table.Metadata.SnapshotLog);
        }
    }

    private static string TextOf(Snapshot snapshot) => Encoding.UTF8.GetString(snapshot.Source.Span);

    private void AddLongSnapshot() => _rest.Server.Change(RestSetting.Orders, metadata =>
    {
        var parent = metadata.CurrentSnapshot!;
        var id = new SnapshotId(_rest.Ids.NewSnapshotId());
        var summary = new Dictionary<string, string> { ["operation"] = "append", ["note"] = new string((char)('a' + metadata.Snapshots.Length % 26), 3000) };
        var snapshot = new Snapshot(id, parent.Id, metadata.LastSequenceNumber + 1, metadata.LastUpdatedMillis + 1, parent.ManifestList!, summary, 0);
        // Stands before the snapshots, so that those lie elsewhere in each answer.
        var moved = TableMetadata.EmptyProperties.Add("note", new string('n', 40 * metadata.Snapshots.Length));
        return [new TableUpdate.SetProperties(moved), new TableUpdate.AddSnapshot(snapshot), new TableUpdate.SetSnapshotRef(SnapshotRef.Main, new SnapshotRef(id, SnapshotRefKind.Branch))];
    });
}
