using System.Collections.Frozen;
using System.Collections.Immutable;
using System.Globalization;
using Matih.Iceberg.Metadata;
using Matih.Storage;

namespace Matih.Iceberg;

/// <summary>
/// What the table properties that this program reads may be. Validation asks before a table is created, and opening asks a
/// table that others may have changed: both give the same answer. Properties that it does not read are not judged.
/// </summary>
/// <remarks>Source: Apache Iceberg documentation, "Configuration: table properties".</remarks>
internal static class TablePropertyRules
{
    internal const string FormatVersion = "format-version";
    internal const string Codec = "write.parquet.compression-codec";
    internal const string Level = "write.parquet.compression-level";
    internal const string Distribution = "write.distribution-mode";
    internal const string SnapshotAgeMax = "history.expire.max-snapshot-age-ms";
    internal const string MetadataCodec = "write.metadata.compression-codec";
    internal const string DeleteAfterCommit = "write.metadata.delete-after-commit.enabled";
    private const string ColumnMetrics = "write.metadata.metrics.column.";
    private const int ZstdLevelMax = 22;

    private static readonly FrozenDictionary<string, (long Min, long Max)> Numbers = new Dictionary<string, (long, long)>
    {
        ["commit.retry.num-retries"] = (0, int.MaxValue),
        ["commit.retry.min-wait-ms"] = (0, int.MaxValue),
        ["commit.retry.max-wait-ms"] = (0, int.MaxValue),
        ["commit.retry.total-timeout-ms"] = (0, int.MaxValue),
        ["commit.manifest.min-count-to-merge"] = (0, int.MaxValue),
        ["commit.manifest.target-size-bytes"] = (1, long.MaxValue),
        ["write.target-file-size-bytes"] = (1, long.MaxValue),
        ["write.parquet.row-group-size-bytes"] = (1, long.MaxValue),
        ["write.parquet.page-size-bytes"] = (1, int.MaxValue),
        ["write.parquet.page-row-limit"] = (1, int.MaxValue),
        ["write.parquet.dict-size-bytes"] = (0, int.MaxValue),
        ["write.metadata.previous-versions-max"] = (0, int.MaxValue),
        ["write.metadata.metrics.max-inferred-column-defaults"] = (0, int.MaxValue),
    }.ToFrozenDictionary(StringComparer.Ordinal);

    private static readonly FrozenSet<string> Flags =
        FrozenSet.Create(StringComparer.Ordinal, "commit.manifest-merge.enabled", DeleteAfterCommit, "write.object-storage.enabled", "write.object-storage.partitioned-paths");

    private static readonly FrozenSet<string> Folders =
        FrozenSet.Create(StringComparer.Ordinal, "write.data.path", "write.metadata.path", "write.object-storage.path", "write.folder-storage.path");

    /// <summary>Every property that is read, those whose names end in a column's aside.</summary>
    internal static IEnumerable<string> Names => Read;

    private static readonly FrozenSet<string> Read = FrozenSet.Create(StringComparer.Ordinal,
        [.. Numbers.Keys, .. Flags, .. Folders, Codec, Level, Distribution, FormatVersion, MetadataCodec, "write.format.default", "write.metadata.metrics.default", "write.location-provider.impl"]);

    /// <summary>Whether the property decides about anything that this program does.</summary>
    internal static bool IsRead(string name) => Read.Contains(name) || name.StartsWith(ColumnMetrics, StringComparison.Ordinal);

    /// <summary>What is wrong with properties for a new table, each with its name; values are not shown.</summary>
    /// <param name="location">Where the table will be, or a folder around it; null where only the catalog knows.</param>
    /// <param name="namesMetadata">Whether the catalog says which metadata file is the table's, so that rules of file catalogs do not count.</param>
    public static IEnumerable<(string Property, string Fault)> FaultsOfNew(
        ImmutableSortedDictionary<string, string> properties, IEnumerable<string> columns, string? location, bool namesMetadata)
    {
        var known = columns.ToHashSet(StringComparer.Ordinal);
        foreach (var (name, value) in properties)
        {
            if (Expected(properties, name, value, location, namesMetadata) is { } expected) yield return (name, $"expected {expected}");
            else if (name == FormatVersion && value is not ("2" or "3"))
                yield return (name, "expected 2 or 3, the versions of Iceberg's format in which tables are created");
            else if (name.StartsWith(ColumnMetrics, StringComparison.Ordinal) && !known.Contains(name[ColumnMetrics.Length..]))
                yield return (name, $"'{name[ColumnMetrics.Length..]}' is no column of the query; its columns are {string.Join(", ", known)}");
        }
    }

    /// <summary>What of a table's properties stands in the way of writing it, with the way out; null where nothing does.</summary>
    /// <param name="namesMetadata">Whether a server says which metadata file is the table's, so that rules of file catalogs do not count.</param>
    internal static string? FaultOfTable(TableMetadata metadata, bool namesMetadata)
    {
        foreach (var (name, value) in metadata.Properties)
            if (Expected(metadata.Properties, name, value, metadata.Location, namesMetadata) is { } expected)
                return $"the property {name} is '{value}'; expected {expected}. Correct or remove the property in the table.";
        return null;
    }

    /// <summary>What would be right in the property's place; null where the value is.</summary>
    private static string? Expected(ImmutableSortedDictionary<string, string> all, string name, string value, string? location, bool namesMetadata)
    {
        if (Numbers.TryGetValue(name, out var range))
        {
            var isNumber = TryReadNumber(value, out var number) && number >= range.Min && number <= range.Max;
            return isNumber ? null : string.Create(CultureInfo.InvariantCulture, $"a whole number from {range.Min} to {range.Max}, without a unit");
        }
        if (Flags.Contains(name))
        {
            if (!bool.TryParse(value, out var flag)) return "true or false";
            return flag && name == DeleteAfterCommit && !namesMetadata ? "false: in a file catalog the metadata files are what keeps two writers apart" : null;
        }
        if (name == "write.metadata.path" && !namesMetadata) return "no such property: a file catalog keeps metadata in the table's own folder";
        if (Folders.Contains(name)) return IsFolder(value, location) ? null : "an absolute path in the same store as the table";
        if (name.StartsWith("write.metadata.metrics.", StringComparison.Ordinal))
            return (name == "write.metadata.metrics.default" || name.StartsWith(ColumnMetrics, StringComparison.Ordinal)) && !MetricsMode.IsMode(value) ? "none, counts, truncate(16) or full" : null;
        if (name.StartsWith("encryption.", StringComparison.Ordinal)) return "no such property: encryption is not supported";
        return name switch
        {
            Codec => CodecOf(value) is null ? "zstd, gzip or uncompressed" : null,
            Level => ExpectedLevel(CodecOf(all.GetValueOrDefault(Codec, "zstd")), value),
            MetadataCodec => IsZipped(value) is null ? "none or gzip" : null,
            Distribution => DistributionOf(value) is null ? "none, hash or range" : null,
            "write.format.default" => value.Equals("parquet", StringComparison.OrdinalIgnoreCase) ? null : "parquet",
            "write.location-provider.impl" => "no such property: it names a Java class",
            _ => null,
        };
    }

    /// <summary>The codec in lower case, one of zstd, gzip and uncompressed; null for any other.</summary>
    internal static string? CodecOf(string value) => value.ToLowerInvariant() switch
    {
        "zstd" => "zstd",
        "gzip" => "gzip",
        "uncompressed" or "none" => "uncompressed",
        _ => null,
    };

    /// <summary>Whether a codec of metadata files is gzip and not none; null for any other.</summary>
    internal static bool? IsZipped(string value) => value.ToLowerInvariant() switch
    {
        "gzip" => true,
        "none" => false,
        _ => null,
    };

    internal static DistributionMode? DistributionOf(string value) => value.ToLowerInvariant() switch
    {
        "none" => DistributionMode.None,
        "hash" => DistributionMode.Hash,
        "range" => DistributionMode.Range,
        _ => null,
    };

    /// <summary>Only zstd takes its level from the table; another engine may have one of its own codec there.</summary>
    private static string? ExpectedLevel(string? codec, string value)
    {
        if (!TryReadNumber(value, out var level)) return "a whole number";
        return codec != "zstd" || level is >= 1 and <= ZstdLevelMax ? null : string.Create(CultureInfo.InvariantCulture, $"a level of zstd from 1 to {ZstdLevelMax}");
    }

    private static bool IsFolder(string value, string? location)
    {
        if (value.Length == 0) return true;
        if (!value.Contains('/', StringComparison.Ordinal) || value.Contains('\0', StringComparison.Ordinal)) return false;
        var kind = StoreLocation.KindOf(value);
        if (location is not null && kind != StoreLocation.KindOf(location)) return false;
        return kind switch
        {
            StoreKind.Local => PathOf(value).StartsWith('/'),
            // A store that is none of ours, which the table's files are in already.
            StoreKind.Unknown => location is not null && SchemeOf(value).Equals(SchemeOf(location), StringComparison.OrdinalIgnoreCase),
            _ => StoreLocation.FaultOf(value) is null,
        };

        static ReadOnlySpan<char> SchemeOf(string location) => location.AsSpan(0, location.IndexOf("://", StringComparison.Ordinal));
    }

    private static string PathOf(string location)
    {
        var path = location.StartsWith("file:", StringComparison.OrdinalIgnoreCase) ? location["file:".Length..] : location;
        if (!path.StartsWith("//", StringComparison.Ordinal)) return path;
        return path.StartsWith("//localhost/", StringComparison.OrdinalIgnoreCase) ? path["//localhost".Length..] : path[2..];
    }

    internal static bool TryReadNumber(string text, out long number) => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out number);
}
