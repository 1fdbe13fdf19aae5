namespace Matih.Sql.Syntax;

internal enum TokenKind : byte
{
    End,
    /// <summary>An unquoted word: a keyword or an identifier, the parser decides.</summary>
    Word,
    /// <summary>A name in backticks.</summary>
    QuotedName,
    /// <summary>Digits with or without a point: exact.</summary>
    Number,
    /// <summary>Digits with an exponent: DOUBLE.</summary>
    ApproximateNumber,
    String,
    /// <summary>X'…'</summary>
    BinaryString,
    Symbol,
    /// <summary>{{ name }}</summary>
    Template,
}

/// <summary>A piece of the statement. <paramref name="Text"/> is the value: without quotes and escapes, a template's name.</summary>
internal readonly record struct Token(TokenKind Kind, string Text, int Offset, int Length)
{
    public bool IsWord(string word) => Kind == TokenKind.Word && Text.Equals(word, StringComparison.OrdinalIgnoreCase);

    public bool IsSymbol(string symbol) => Kind == TokenKind.Symbol && Text == symbol;

    /// <summary>How messages name it.</summary>
    public string Describe() => Kind switch
    {
        TokenKind.End => "the end of the statement",
        TokenKind.String => $"'{Text}'",
        TokenKind.QuotedName => $"`{Text}`",
        TokenKind.BinaryString => $"X'{Text}'",
        TokenKind.Template => "{{ " + Text + " }}",
        _ => $"'{Text}'",
    };
}
