using System.Globalization;

namespace Matih.Engine.Simulation;

/// <summary>What the environment asks of the simulation.</summary>
internal static class Dials
{
    private const int SeedsUsually = 300;
    private const int SeedsInSoak = 20_000;

    public static int? Seed => Number("MATIH_SIM_SEED");

    public static IReadOnlyCollection<int>? Keep =>
        Text("MATIH_SIM_KEEP") is { } text ? [.. text.Split(',', StringSplitOptions.RemoveEmptyEntries).Select(item => int.Parse(item, CultureInfo.InvariantCulture))] : null;

    public static int First => Number("MATIH_SIM_FIRST") ?? 1;

    public static bool IsSoak => Text("MATIH_SOAK") is not null;

    public static int Count => Number("MATIH_SIM_SEEDS") ?? (IsSoak ? SeedsInSoak : SeedsUsually);

    /// <summary>Ends with the first seed that fails, and says no more than that: for mutations.</summary>
    public static bool IsHunt => Text("MATIH_SIM_HUNT") is not null;

    /// <summary>The run ends after that many failing seeds, and shows them.</summary>
    public static int FailuresShown => Number("MATIH_SIM_FAILURES") ?? 3;

    /// <summary>The mutations to try, by name and separated by commas, or <c>all</c>.</summary>
    public static string? Mutations => Text("MATIH_SIM_MUTATIONS") ?? (IsSoak ? "all" : null);

    /// <summary>A file that a replay's trace is written to as well.</summary>
    public static string? TracePath => Text("MATIH_SIM_TRACE");

    public static TimeSpan? Duration => Text("MATIH_SIM_FOR") is not { } text ? null : text[^1] switch
    {
        'h' => TimeSpan.FromHours(Parse(text[..^1])),
        'm' => TimeSpan.FromMinutes(Parse(text[..^1])),
        's' => TimeSpan.FromSeconds(Parse(text[..^1])),
        _ => throw new FormatException($"MATIH_SIM_FOR={text}: give a number and s, m or h, as in 10m."),
    };

    private static double Parse(string text) => double.Parse(text, CultureInfo.InvariantCulture);

    private static int? Number(string name) => Text(name) is { } text ? int.Parse(text, CultureInfo.InvariantCulture) : null;

    private static string? Text(string name) => Environment.GetEnvironmentVariable(name) is { Length: > 0 } text ? text : null;
}
