using System.Collections.Immutable;

namespace Matih.Sql;

/// <summary>Functions of dates and times.</summary>
internal static class TimeFunctions
{
    public static ImmutableArray<ScalarFunction> All { get; } = [];
}
