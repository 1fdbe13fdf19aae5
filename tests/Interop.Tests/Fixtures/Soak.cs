namespace Matih.Fixtures;

/// <summary>Whether tests with a dial run much longer, as in <c>make soak</c>, where nothing runs beside them.</summary>
public static class Soak
{
    public static bool IsOn { get; } = Environment.GetEnvironmentVariable("MATIH_SOAK") == "1";
}
