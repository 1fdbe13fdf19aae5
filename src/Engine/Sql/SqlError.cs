namespace Matih.Sql;

/// <summary>Why a statement, or a type, cannot be compiled, and where.</summary>
/// <param name="Statement">Index of the statement in its chain; 0 for a single one.</param>
/// <param name="Offset">Characters before the place, from 0.</param>
/// <param name="Line">Line of the place, from 1.</param>
/// <param name="Column">Characters before the place in its line, plus 1.</param>
/// <param name="Message">What is wrong, expected against found, what to do.</param>
public sealed record SqlError(int Statement, int Offset, int Line, int Column, string Message)
{
    /// <summary>Whether Flink may well run it, and only the built-in engine does not.</summary>
    public bool IsUnsupported { get; init; }

    public override string ToString() => $"{Line}:{Column}: {Message}";

    internal static SqlError At(string text, int offset, string message, bool isUnsupported = false, int statement = 0)
    {
        offset = Math.Clamp(offset, 0, text.Length);
        var before = text.AsSpan(0, offset);
        var lineStart = before.LastIndexOf('\n') + 1;
        return new SqlError(statement, offset, before.Count('\n') + 1, offset - lineStart + 1, message) { IsUnsupported = isUnsupported };
    }
}

/// <summary>Unwinds a pass to the place that collects errors; never leaves the compiler.</summary>
internal sealed class SqlErrorException(int offset, string message, bool isUnsupported) : Exception(message)
{
    public const string Advice = "`engine: flink` runs it";

    public int Offset { get; } = offset;
    public bool IsUnsupported { get; } = isUnsupported;

    public SqlError At(string text, int statement = 0) => SqlError.At(text, Offset, Message, IsUnsupported, statement);

    /// <summary>Flink refuses it as well.</summary>
    public static SqlErrorException Wrong(int offset, string message) => new(offset, message, isUnsupported: false);

    /// <summary>Flink knows it, the built-in engine does not.</summary>
    public static SqlErrorException Unsupported(int offset, string what) => new(offset, $"{what} is not supported here; {Advice}.", isUnsupported: true);
}
