using System.Globalization;
using System.Text;

namespace Matih.Engine.Simulation.Scenarios;

/// <summary>Shrinks a failing scenario to the actions that it needs, and says how to see it again.</summary>
internal static class SeedReport
{
    private const int AttemptsMax = 300;

    /// <summary>A smaller scenario that still fails; the same one where nothing can go.</summary>
    public static Scenario Shrink(Scenario scenario)
    {
        var attempts = 0;
        var kept = scenario.Actions.Select(item => item.Index).ToList();
        for (var piece = Math.Max(1, kept.Count / 2); piece >= 1 && attempts < AttemptsMax; piece = piece == 1 ? 0 : piece / 2)
        {
            for (var from = 0; from < kept.Count && attempts < AttemptsMax;)
            {
                List<int> fewer = [.. kept.Take(from), .. kept.Skip(from + piece)];
                attempts++;
                if (ScenarioRun.Run(scenario.Keeping(fewer)).Violation is not null) kept = fewer;
                else from += piece;
            }
        }
        return scenario.Keeping(kept);
    }

    public static string Describe(Scenario scenario, Exception violation)
    {
        var text = new StringBuilder();
        var smallest = Shrink(scenario);
        var found = ScenarioRun.Run(smallest).Violation ?? violation;
        var keep = string.Join(',', smallest.Actions.Select(item => item.Index));
        text.AppendLine(CultureInfo.InvariantCulture, $"Seed {scenario.Seed}: {violation.Message}");
        text.AppendLine(CultureInfo.InvariantCulture, $"MATIH_SIM_SEED={scenario.Seed} {Program} -class '*SeedTests'");
        text.AppendLine(CultureInfo.InvariantCulture, $"Smallest scenario ({smallest.Actions.Length} of {scenario.Actions.Length} actions): {found.Message}");
        text.AppendLine(CultureInfo.InvariantCulture, $"MATIH_SIM_SEED={scenario.Seed} MATIH_SIM_KEEP={keep} {Program} -class '*SeedTests'");
        text.AppendLine(smallest.ToString());
        text.AppendLine(found.StackTrace);
        return text.ToString();
    }

    private static string Program => Path.GetRelativePath(Environment.CurrentDirectory, Environment.ProcessPath ?? "Matih.Engine.Simulation");
}
