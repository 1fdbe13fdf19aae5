using System.Text;
using Matih.Definition.Yaml;

namespace Matih.Definition.Shapes;

/// <summary>
/// Puts environment variables into scalars: <c>${NAME}</c>, <c>${NAME:-default}</c> (used where the variable is unset or
/// empty), and <c>$${</c> for a plain <c>${</c>. Every other <c>$</c> stands for itself, so that JSON paths and passwords
/// need no escape. Done after YAML is parsed: a value cannot become structure.
/// </summary>
internal static class Substitution
{
    private const string Open = "${";

    /// <summary>Whether the scalar has references and comes to nothing: all that they stand for is empty, or not set where that is allowed.</summary>
    public static bool IsNothing(YamlNode.Scalar scalar, Func<string, string?> environment, bool mayBeUnset)
    {
        if (!scalar.Text.Contains(Open, StringComparison.Ordinal)) return false;
        var failures = new Failures();
        var text = Resolve(scalar, environment, (_, _) => { }, ref failures);
        if (failures.MalformedCount != 0) return false;
        return failures.UnsetCount != 0 ? mayBeUnset : text.Value.Length == 0;
    }

    /// <summary>Resolves all references; false after reporting those that cannot be.</summary>
    public static bool TryResolve(
        YamlNode.Scalar scalar, Func<string, string?> environment, Action<DefinitionPosition, string> report, out ResolvedText text)
    {
        var failures = new Failures();
        text = Resolve(scalar, environment, report, ref failures);
        return failures is { MalformedCount: 0, UnsetCount: 0 };
    }

    private record struct Failures(int UnsetCount, int MalformedCount);

    private static ResolvedText Resolve(
        YamlNode.Scalar scalar, Func<string, string?> environment, Action<DefinitionPosition, string> report, ref Failures failures)
    {
        var written = scalar.Text;
        var next = written.IndexOf(Open, StringComparison.Ordinal);
        if (next < 0) return new ResolvedText(written, written, false, scalar.IsMultiLine, scalar.Positions);

        var value = new StringBuilder();
        var positions = new TextPositions();
        var isSubstituted = false;
        var copied = 0;
        while (next >= 0)
        {
            if (next > copied && written[next - 1] == '$')
            {
                Copy(copied, next); // The first $ of $${ stays, the second goes.
                copied = next + 1;
                next = written.IndexOf(Open, next + 1, StringComparison.Ordinal);
                continue;
            }
            Copy(copied, next);
            var place = scalar.Positions.PositionAt(next);
            if (!TryParse(written, next, out var name, out var fallback, out var end))
            {
                report(place, "'${' begins a reference to an environment variable, ${NAME} or ${NAME:-default}; this one is not closed or is nested, or its name has other characters than letters, digits and _ (write $${ for the characters themselves)");
                failures.MalformedCount++;
                break; // Where it ends cannot be known, so nothing is said about the rest.
            }
            var found = environment(name);
            if (string.IsNullOrEmpty(found) && fallback is not null) found = fallback;
            else isSubstituted = true;
            if (found is null)
            {
                report(place, $"the environment variable {name} is not set; set it, or give a default: ${{{name}:-...}}");
                failures.UnsetCount++;
            }
            positions.Add(value.Length, place, isFixed: true);
            value.Append(found);
            copied = end;
            next = written.IndexOf(Open, end, StringComparison.Ordinal);
        }
        Copy(copied, written.Length);
        positions.Add(value.Length, scalar.Positions.PositionAt(written.Length));
        return new ResolvedText(value.ToString(), written, isSubstituted, scalar.IsMultiLine, positions);

        void Copy(int from, int to)
        {
            if (to == from) return;
            scalar.Positions.CopyTo(positions, from, to - from, value.Length);
            value.Append(written, from, to - from);
        }
    }

    /// <summary>Reads a reference at <paramref name="start"/>; <paramref name="end"/> is past it.</summary>
    private static bool TryParse(string text, int start, out string name, out string? fallback, out int end)
    {
        fallback = null;
        var at = start + Open.Length;
        var nameStart = at;
        while (at < text.Length && (char.IsAsciiLetterOrDigit(text[at]) || text[at] == '_')) at++;
        name = text[nameStart..at];
        end = start + Open.Length;
        if (name.Length == 0 || char.IsAsciiDigit(name[0])) return false;
        if (text.AsSpan(at).StartsWith(":-"))
        {
            var close = text.IndexOf('}', at);
            if (close < 0 || text.AsSpan(at, close - at).Contains(Open, StringComparison.Ordinal)) return false;
            fallback = text[(at + 2)..close];
            at = close;
        }
        if (at >= text.Length || text[at] != '}') return false;
        end = at + 1;
        return true;
    }
}
