namespace Matih.Sql.Syntax;

/// <summary>Walks over tokens; the two parsers (types, queries) share it.</summary>
internal sealed class TokenReader(string text)
{
    private readonly List<Token> _tokens = Lexer.Tokenize(text);
    private int _at;

    public string Text { get; } = text;

    public Token Current => _tokens[_at];

    public Token Ahead(int count = 1) => _tokens[Math.Min(_at + count, _tokens.Count - 1)];

    public bool IsAtEnd => Current.Kind == TokenKind.End;

    public Token Take()
    {
        var token = Current;
        if (!IsAtEnd) _at++;
        return token;
    }

    /// <summary>Takes a token that stands for a name, and remembers it.</summary>
    public Token TakeName()
    {
        Names.Add(Current);
        return Take();
    }

    /// <summary>The tokens that were taken as names of columns, tables and aliases, in their order.</summary>
    public List<Token> Names { get; } = [];

    public bool IsWord(string word) => Current.IsWord(word);

    /// <summary>Whether the next tokens are these words.</summary>
    public bool AreWords(params ReadOnlySpan<string> words)
    {
        for (var i = 0; i < words.Length; i++)
            if (!Ahead(i).IsWord(words[i])) return false;
        return true;
    }

    /// <summary>Takes the words where they come next, all or none.</summary>
    public bool TryTakeWords(params ReadOnlySpan<string> words)
    {
        if (!AreWords(words)) return false;
        _at += words.Length;
        return true;
    }

    public bool TryTakeSymbol(string symbol)
    {
        if (!Current.IsSymbol(symbol)) return false;
        _at++;
        return true;
    }

    public Token ExpectSymbol(string symbol, string after) =>
        Current.IsSymbol(symbol) ? Take() : throw Expected($"'{symbol}'", after);

    public Token ExpectWord(string word, string after) => Current.IsWord(word) ? Take() : throw Expected(word, after);

    public Token Expect(TokenKind kind, string what, string after) => Current.Kind == kind ? Take() : throw Expected(what, after);

    public SqlErrorException Expected(string what, string after) =>
        SqlErrorException.Wrong(Current.Offset, $"Expected {what} after {after}, found {Current.Describe()}.");
}
