using System.Collections.Immutable;
using Matih.Definition.Format;
using Matih.Definition.Shapes;
using Matih.Sql.Syntax;

namespace Matih.Definition.Reading;

/// <summary>Turns <c>transformations:</c> into <see cref="TransformationDefinition"/>s whose inputs exist above them.</summary>
internal static class TransformationReading
{
    public static ImmutableArray<TransformationDefinition> Read(ImmutableArray<BoundMapping> items, IReadOnlyList<string> sources, ReadState state)
    {
        var read = ImmutableArray.CreateBuilder<TransformationDefinition>();
        var names = items.Select(item => item.Get(TransformationKeys.Name)).ToList();
        var first = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < items.Length; i++)
        {
            var item = items[i];
            var above = sources.Concat(names.Take(i).Where(name => name is not null)).ToList();
            CheckName(item, sources, first, state);
            if (item.Has(TransformationKeys.Sql)) CheckComments(item, state);
            var input = ResolveInput(item, above, names.Skip(i).ToList(), sources.Count == 0 || names.Contains(null!), state);
            if (input is not null && item.IsWhole)
                read.Add(new TransformationDefinition(names[i], input, item.Get(TransformationKeys.Sql), item.Position));
        }
        return read.ToImmutable();
    }

    private static void CheckName(BoundMapping item, IReadOnlyList<string> sources, Dictionary<string, int> first, ReadState state)
    {
        if (!item.Has(TransformationKeys.Name)) return;
        var name = item.Get(TransformationKeys.Name);
        var (position, path) = (item.PositionOf(TransformationKeys.Name), item.PathOf(TransformationKeys.Name));
        if (sources.Contains(name)) state.Report(position, path, $"'{name}' is the name of a source as well; a step needs a name of its own");
        else if (!first.TryAdd(name, position.Line)) state.Report(position, path, $"'{name}' is the name of another step as well{(first[name] == 0 ? "" : $", in line {first[name]}")}");
    }

    /// <summary>Where YAML joins lines, a comment takes those after it: the statement would break, or silently lose its WHERE.</summary>
    private static void CheckComments(BoundMapping item, ReadState state)
    {
        var sql = item.Get(TransformationKeys.Sql);
        foreach (var (start, end) in Lexer.LineComments(sql.Text))
        {
            var line = sql.PositionAt(start).Line;
            for (var at = start; at < end; at++)
            {
                var lineHere = sql.PositionAt(at).Line;
                if (char.IsWhiteSpace(sql.Text[at]) || lineHere == line) continue;
                line = lineHere;
                if (string.CompareOrdinal(sql.Text, at, "--", 0, 2) == 0) continue;
                state.Report(sql.PositionAt(start), item.PathOf(TransformationKeys.Sql),
                    $"the comment takes line {line} with it: YAML joins the lines of this text into one, and the comment goes to its end. Write 'sql: |', which keeps the lines, or the comment as /* ... */");
                return;
            }
        }
    }

    /// <param name="below">This step's own name and those further down.</param>
    /// <param name="isBlind">Whether names are missing that were reported already, so that nothing can be said about unknown ones.</param>
    private static string? ResolveInput(BoundMapping item, List<string> above, List<string> below, bool isBlind, ReadState state)
    {
        var (position, path) = (item.PositionOf(TransformationKeys.Input), item.PathOf(TransformationKeys.Input));
        if (!item.IsGiven(TransformationKeys.Input))
        {
            if (above.Count == 1) return above[0];
            if (!isBlind) state.Report(position, path, $"is missing, and there are several to choose from: {string.Join(", ", above)}");
            return null;
        }
        if (!item.Has(TransformationKeys.Input)) return null;
        var input = item.Get(TransformationKeys.Input)!;
        if (above.Contains(input)) return input;
        if (below.Count != 0 && below[0] == input) state.Report(position, path, $"'{input}' is this step itself; a step reads a source or a step above it. {Choices(above)}");
        else if (below.Contains(input)) state.Report(position, path, $"'{input}' stands further down; a step reads a source or a step above it, so move it up. {Choices(above)}");
        else if (!isBlind) state.Report(position, path, Unknown(input, above));
        return null;
    }

    /// <summary>The message about an input that does not exist.</summary>
    public static string Unknown(string input, IReadOnlyList<string> choices)
    {
        var nearest = Spelling.Nearest(input, choices);
        return $"there is no source or step '{input}'{(nearest is null ? ". " : $"; did you mean '{nearest}'? ")}{Choices(choices)}";
    }

    private static string Choices(IReadOnlyList<string> choices) => $"To choose from: {(choices.Count == 0 ? "none" : string.Join(", ", choices))}";
}
