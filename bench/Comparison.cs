using System.Globalization;

namespace Matih.Bench;

/// <summary>One side of a comparison: its name and one round of its work, which checks its own output and gives CPU seconds.</summary>
public sealed record Contender(string Name, Func<Task<double>> RoundAsync);

/// <summary>
/// Two contenders, measured turn by turn (A B A B …) so that what the machine does meanwhile falls on both, after one round
/// each that does not count. The ratio above 1 says that the first takes less CPU.
/// </summary>
public sealed class Comparison(string title, Contender ours, Contender theirs, long records)
{
    /// <summary>Rounds that do not count: one for caches; work that is compiled in this process needs some until it runs as it will from then on.</summary>
    public int WarmUpRounds { get; init; } = 1;

    public const int RoundsMin = 7;

    public async Task RunAsync(int rounds)
    {
        Console.WriteLine($"== {title}");
        var (our, their, ratios) = (new List<double>(), new List<double>(), new List<double>());
        for (var round = 1 - WarmUpRounds; round <= Math.Max(rounds, RoundsMin); round++)
        {
            var a = await ours.RoundAsync();
            var b = await theirs.RoundAsync();
            var counts = round > 0;
            Console.WriteLine(Format($"   {(counts ? $"round {round}" : "warm-up")}: {ours.Name} {a:F2} CPU-s, {theirs.Name} {b:F2} CPU-s, ratio {b / a:F2}"));
            if (!counts) continue;
            our.Add(a);
            their.Add(b);
            ratios.Add(b / a);
        }
        Console.WriteLine($"   {ours.Name}: {Speed(our)}");
        Console.WriteLine($"   {theirs.Name}: {Speed(their)}");
        var spread = new Spread(ratios);
        Console.WriteLine(Format(
            $"   RATIO {title}: median {spread.Median:F3}, quartiles {spread.Quantile(0.25):F3} to {spread.Quantile(0.75):F3}, range {spread.Least:F2} to {spread.Greatest:F2}, {spread.Count} rounds"));
    }

    private string Speed(List<double> seconds)
    {
        var median = new Spread(seconds).Median;
        return Format($"{records / median / 1e6:F2} M records/CPU-s, {median * 1e6 / records:F3} µs a record (median)");
    }

    private static string Format(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
