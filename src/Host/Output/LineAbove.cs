using Spectre.Console;
using Spectre.Console.Rendering;

namespace Matih.Host.Output;

/// <summary>
/// A line that scrolls above a live display. It clears what the display left there, which the console by itself does not: a
/// line shorter than the display would end in its borders (seen with Spectre.Console 0.49.1).
/// </summary>
internal sealed class LineAbove(string text) : IRenderable
{
    private const string EraseBelow = "\u001b[J";

    /// <summary>The terminal behind the standard error stream.</summary>
    public static IAnsiConsole CreateConsole() => AnsiConsole.Create(new AnsiConsoleSettings { Out = new AnsiConsoleOutput(Console.Error) });

    public Measurement Measure(RenderOptions options, int maxWidth) => new(0, maxWidth);

    public IEnumerable<Segment> Render(RenderOptions options, int maxWidth) => [Segment.Control(EraseBelow), new Segment(text), Segment.LineBreak];
}
