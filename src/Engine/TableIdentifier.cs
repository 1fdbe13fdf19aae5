using System.Collections.Immutable;

namespace Matih;

/// <summary>A table's namespace and name. Every part is safe as one folder name in any store.</summary>
public sealed class TableIdentifier : IEquatable<TableIdentifier>
{
    private const int PartCharsMax = 200;

    /// <exception cref="ArgumentException">A part is empty, too long, or holds what no table name may.</exception>
    public TableIdentifier(ImmutableArray<string> @namespace, string name)
    {
        foreach (var part in @namespace.Add(name))
            if (Fault(part) is { } fault) throw new ArgumentException($"'{part}' cannot be part of a table's name: {fault}.");
        Namespace = @namespace;
        Name = name;
    }

    public ImmutableArray<string> Namespace { get; }

    public string Name { get; }

    /// <summary>A dotted name: all but the last part is the namespace.</summary>
    /// <exception cref="ArgumentException">A part is empty, too long, or holds what no table name may.</exception>
    public static TableIdentifier Parse(string dotted)
    {
        var parts = dotted.Split('.');
        return new([.. parts[..^1]], parts[^1]);
    }

    /// <summary>Why the text cannot be a part of a name, or null where it can.</summary>
    public static string? Fault(string part)
    {
        if (part.Length == 0) return "it is empty";
        if (part.Length > PartCharsMax) return $"it has {Quantity.Of(part.Length, "character")}, more than {PartCharsMax}";
        if (part is "." or ".." || part.Contains("..", StringComparison.Ordinal)) return "dots lead out of the folder";
        if (part != part.Trim()) return "it starts or ends with a space";
        foreach (var item in part)
        {
            if (char.IsControl(item)) return "it holds a control character";
            if (char.IsSurrogate(item) && !IsPaired(part)) return "it is not valid Unicode";
            if (item is '/' or '\\' or '.' or ':' or '?' or '#' or '%' or '*' or '"' or '<' or '>' or '|') return $"it holds '{item}'";
        }
        return null;
    }

    private static bool IsPaired(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i])) continue;
            if (i + 1 == text.Length || !char.IsSurrogatePair(text[i], text[i + 1])) return false;
            i++;
        }
        return true;
    }

    public bool Equals(TableIdentifier? other) => other is not null && Name == other.Name && Namespace.AsSpan().SequenceEqual(other.Namespace.AsSpan());

    public override bool Equals(object? obj) => Equals(obj as TableIdentifier);

    public override int GetHashCode() => Namespace.Aggregate(Name.GetHashCode(StringComparison.Ordinal), HashCode.Combine);

    public override string ToString() => string.Join('.', Namespace.Add(Name));
}
