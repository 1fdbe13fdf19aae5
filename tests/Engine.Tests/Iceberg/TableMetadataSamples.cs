using System.Collections.Immutable;

namespace Matih.Engine.Tests.Iceberg;

internal static class TableMetadataSamples
{
    public static ImmutableSortedDictionary<string, string> Properties(params (string Name, string Value)[] properties) =>
        properties.ToImmutableSortedDictionary(property => property.Name, property => property.Value, StringComparer.Ordinal);
}
