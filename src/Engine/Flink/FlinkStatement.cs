using System.Collections.Immutable;
using System.Text;
using Matih.Definition;

namespace Matih.Flink;

/// <summary>A piece of a statement.</summary>
internal abstract record FlinkPiece
{
    private FlinkPiece() { }

    /// <summary>Text of ours.</summary>
    public sealed record Text(string Sql) : FlinkPiece;

    /// <summary>The inside of a literal that must not be shown.</summary>
    /// <param name="Sql">The value, quotes doubled.</param>
    /// <param name="Placeholder">What stands for it in print, such as <c>${KAFKA_PASSWORD}</c>.</param>
    public sealed record Hidden(string Sql, string Placeholder) : FlinkPiece;

    /// <summary>Text that the author of the definition wrote.</summary>
    /// <param name="Sql">The whole statement that it is of.</param>
    public sealed record Written(SqlText Sql, int Start, int Length) : FlinkPiece;
}

/// <summary>One statement of Flink SQL, without a semicolon. It prints with placeholders; only <see cref="Reveal"/> gives secrets away.</summary>
public sealed class FlinkStatement
{
    private readonly ImmutableArray<FlinkPiece> _pieces;

    internal FlinkStatement(ImmutableArray<FlinkPiece> pieces, string subject)
    {
        _pieces = pieces;
        Subject = subject;
    }

    /// <summary>What it is about, for messages, such as <c>transformations.parse_events.sql</c>.</summary>
    public string Subject { get; }

    /// <summary>Whether it makes a catalog or something in it, which stays when the session ends.</summary>
    public bool IsOfCatalog => Subject.StartsWith("catalogs.", StringComparison.Ordinal);

    /// <summary>One or two letters protect nothing, and stand alone in many messages.</summary>
    private const int SecretCharsMin = 3;

    /// <summary>Its secrets as they are and as literals hold them, with what stands for them in print.</summary>
    internal IEnumerable<(string Value, string Placeholder)> Secrets => _pieces.OfType<FlinkPiece.Hidden>().Where(piece => piece.Sql.Length >= SecretCharsMin)
        .SelectMany(piece => new[] { (piece.Sql, piece.Placeholder), (piece.Sql.Replace("''", "'", StringComparison.Ordinal), piece.Placeholder) }).Distinct();

    /// <summary>The statement as Flink is to get it.</summary>
    public string Reveal() => Render(hidden => hidden.Sql);

    /// <summary>The statement with placeholders for its secrets.</summary>
    public override string ToString() => Render(hidden => hidden.Placeholder);

    /// <summary>Where the definition's author wrote the character at that line and column of <see cref="Reveal"/> (both from 1); null where it is text of ours.</summary>
    public DefinitionPosition? PositionAt(int line, int column)
    {
        var text = Reveal();
        var offset = 0;
        for (var at = 1; at < line; at++)
        {
            var end = text.IndexOf('\n', offset);
            if (end < 0) return null;
            offset = end + 1;
        }
        offset += column - 1;
        for (var i = 0; i < _pieces.Length; i++)
        {
            var length = LengthOf(_pieces[i]);
            if (offset >= length)
            {
                offset -= length;
                continue;
            }
            // A name that got backticks: Flink points at the first of them.
            if (_pieces[i] is FlinkPiece.Text && offset == length - 1 && i + 1 < _pieces.Length) return StartOf(_pieces[i + 1]);
            return _pieces[i] is FlinkPiece.Written written ? written.Sql.PositionAt(written.Start + offset) : null;
        }
        return null;
    }

    private static DefinitionPosition? StartOf(FlinkPiece piece) => piece is FlinkPiece.Written written ? written.Sql.PositionAt(written.Start) : null;

    private static int LengthOf(FlinkPiece piece) => piece switch
    {
        FlinkPiece.Text text => text.Sql.Length,
        FlinkPiece.Hidden hidden => hidden.Sql.Length,
        FlinkPiece.Written written => written.Length,
        _ => throw new InvalidOperationException($"No length of {piece}."),
    };

    private string Render(Func<FlinkPiece.Hidden, string> show)
    {
        var sql = new StringBuilder();
        foreach (var piece in _pieces)
        {
            switch (piece)
            {
                case FlinkPiece.Text text: sql.Append(text.Sql); break;
                case FlinkPiece.Hidden hidden: sql.Append(show(hidden)); break;
                case FlinkPiece.Written written: sql.Append(written.Sql.Text, written.Start, written.Length); break;
            }
        }
        return sql.ToString();
    }
}
