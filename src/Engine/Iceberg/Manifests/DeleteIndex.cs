using Matih.Iceberg.Metadata;

namespace Matih.Iceberg.Manifests;

/// <summary>Delete files by the table partition that they reach. Not thread-safe.</summary>
internal sealed class DeleteIndex
{
    private readonly Dictionary<PartitionIdentity, List<ManifestEntry>> _byPartition = [];
    private readonly List<ManifestEntry> _everywhere = [];
    private readonly TableMetadata _metadata;
    private readonly HashSet<ManifestEntry> _left;

    /// <param name="deletes">Live entries of delete manifests.</param>
    public DeleteIndex(TableMetadata metadata, IEnumerable<ManifestEntry> deletes)
    {
        _metadata = metadata;
        _left = new HashSet<ManifestEntry>(ReferenceEqualityComparer.Instance);
        foreach (var delete in deletes)
        {
            _left.Add(delete);
            if (delete.File.Content == FileContent.EqualityDeletes && metadata.FindSpec(delete.File.SpecId) is { Fields.IsEmpty: true })
            {
                _everywhere.Add(delete);
                continue;
            }
            var identity = new PartitionIdentity(delete.File);
            if (!_byPartition.TryGetValue(identity, out var list)) _byPartition.Add(identity, list = []);
            list.Add(delete);
        }
    }

    /// <summary>How many delete files have not been found to reach a data file.</summary>
    public int LeftCount => _left.Count;

    /// <summary>The delete files that may take rows out of a data file.</summary>
    public IEnumerable<ManifestEntry> Reaching(ManifestEntry data)
    {
        if (_everywhere.Count == 0 && _byPartition.Count == 0) return [];
        var near = _byPartition.GetValueOrDefault(new PartitionIdentity(data.File));
        return _everywhere.Concat(near ?? []).Where(delete => DeleteScope.MayReach(delete, data, _metadata));
    }

    /// <summary>Notes that the data file is there: what reaches it is needed.</summary>
    public void NoteLive(ManifestEntry data) => _left.ExceptWith(Reaching(data));

    public bool IsLeft(ManifestEntry delete) => _left.Contains(delete);
}
