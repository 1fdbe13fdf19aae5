using System.Collections.Immutable;

namespace Matih.Definition.Yaml;

/// <summary>A parsed value of the definition with its place. Immutable; an alias is the very node that its anchor names.</summary>
internal abstract class YamlNode
{
    private YamlNode(DefinitionPosition position) => Position = position;

    public DefinitionPosition Position { get; }

    /// <summary>What the node is, for messages.</summary>
    public abstract string Kind { get; }

    /// <summary>Text, or nothing at all (an empty plain scalar, <c>null</c>, <c>~</c>).</summary>
    public sealed class Scalar(DefinitionPosition position, string text, bool isPlain, Func<TextPositions> positions) : YamlNode(position)
    {
        private TextPositions? _positions;

        public string Text { get; } = text;

        /// <summary>
        /// Whether it spans lines of the file. Where one line was meant, the others are other keys that lost their colon, and
        /// may hold anything.
        /// </summary>
        public bool IsMultiLine { get; init; }

        /// <summary>Whether it stands in the file without quotes.</summary>
        public bool IsPlain { get; } = isPlain;

        public bool IsNull { get; } = isPlain && text is "" or "~" or "null" or "Null" or "NULL";

        /// <summary>Where each character of <see cref="Text"/> stands.</summary>
        public TextPositions Positions => _positions ??= positions();

        public override string Kind => IsNull ? "nothing" : "text";

        /// <summary>Text that stands in no file, such as an override's value.</summary>
        public static Scalar Outside(DefinitionPosition position, string text) =>
            new(position, text, isPlain: true, () => TextPositions.Fixed(position));
    }

    /// <summary>Keys with their values, in order, every key once.</summary>
    public sealed class Mapping(DefinitionPosition position, ImmutableArray<YamlEntry> entries) : YamlNode(position)
    {
        public ImmutableArray<YamlEntry> Entries { get; } = entries;

        public override string Kind => "a mapping of keys to values";

        public YamlNode? Find(string key)
        {
            foreach (var entry in Entries)
                if (entry.Key == key) return entry.Value;
            return null;
        }

        /// <summary>The mapping with that key set, in place where it exists, otherwise at the end.</summary>
        public Mapping With(YamlEntry added)
        {
            for (var i = 0; i < Entries.Length; i++)
                if (Entries[i].Key == added.Key) return new Mapping(Position, Entries.SetItem(i, added));
            return new Mapping(Position, Entries.Add(added));
        }
    }

    public sealed class Sequence(DefinitionPosition position, ImmutableArray<YamlNode> items) : YamlNode(position)
    {
        public ImmutableArray<YamlNode> Items { get; } = items;

        public override string Kind => "a list";
    }
}

/// <summary>A key of a mapping with its own place, and its value.</summary>
internal readonly record struct YamlEntry(string Key, DefinitionPosition KeyPosition, YamlNode Value);
