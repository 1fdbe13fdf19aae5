using System.Globalization;
using System.Text;

namespace Matih.Sql.Syntax;

/// <summary>Splits a statement into tokens; comments (<c>--</c>, <c>/* */</c>) and blanks are gone afterwards.</summary>
internal sealed class Lexer
{
    private static readonly string[] TwoCharacterSymbols = ["<>", "<=", ">=", "!=", "||", "=>"];

    private readonly string _text;
    private int _at;

    private readonly List<(int Start, int End)> _lineComments = [];

    private Lexer(string text) => _text = text;

    public static List<Token> Tokenize(string text)
    {
        var lexer = new Lexer(text);
        var tokens = new List<Token>();
        do tokens.Add(lexer.Next());
        while (tokens[^1].Kind != TokenKind.End);
        return tokens;
    }

    /// <summary>Where comments from <c>--</c> to the end of their line stand, up to the first fault of the text.</summary>
    public static IReadOnlyList<(int Start, int End)> LineComments(string text)
    {
        var lexer = new Lexer(text);
        try
        {
            while (lexer.Next().Kind != TokenKind.End)
            {
                // The comments are noted on the way.
            }
        }
        catch (SqlErrorException)
        {
            // Whoever compiles the text reports it.
        }
        return lexer._lineComments;
    }

    private char Peek(int ahead = 0) => _at + ahead < _text.Length ? _text[_at + ahead] : '\0';

    private Token Next()
    {
        SkipBlanks();
        var start = _at;
        if (start == _text.Length) return new Token(TokenKind.End, "", start, 0);
        var first = _text[start];
        if ((first is 'x' or 'X') && Peek(1) == '\'')
        {
            _at++;
            return Binary(start);
        }
        if ((first is 'u' or 'U') && Peek(1) == '&' && Peek(2) == '\'')
        {
            _at += 2;
            return Unicode(start);
        }
        if (first == '_' && IsCharacterSet(start)) throw SqlErrorException.Unsupported(start, "A character set before a string");
        if (char.IsLetter(first) || first == '_') return Word(start);
        if (char.IsAsciiDigit(first) || (first == '.' && char.IsAsciiDigit(Peek(1)))) return Number(start);
        return first switch
        {
            '\'' => Quoted(start, '\'', TokenKind.String, "string"),
            '`' => QuotedName(start),
            '"' => throw SqlErrorException.Wrong(start, "Double quotes are no part of Flink SQL; write names in backticks and strings in single quotes."),
            '{' when Peek(1) == '{' => Template(start),
            _ => Symbol(start),
        };
    }

    private void SkipBlanks()
    {
        while (_at < _text.Length)
        {
            if (char.IsWhiteSpace(_text[_at])) _at++;
            else if (Peek() == '-' && Peek(1) == '-')
            {
                var start = _at;
                while (_at < _text.Length && _text[_at] != '\n') _at++;
                _lineComments.Add((start, _at));
            }
            else if (Peek() == '/' && Peek(1) == '*')
            {
                var end = _text.IndexOf("*/", _at + 2, StringComparison.Ordinal);
                if (end < 0) throw SqlErrorException.Wrong(_at, "This comment is never closed; '*/' is missing.");
                _at = end + 2;
            }
            else return;
        }
    }

    private Token Word(int start)
    {
        while (char.IsLetterOrDigit(Peek()) || Peek() is '_' or '$') _at++;
        return Make(TokenKind.Word, start);
    }

    private Token Number(int start)
    {
        while (char.IsAsciiDigit(Peek())) _at++;
        if (Peek() == '.')
        {
            _at++;
            while (char.IsAsciiDigit(Peek())) _at++;
        }
        var kind = TokenKind.Number;
        if (Peek() is 'e' or 'E' && (char.IsAsciiDigit(Peek(1)) || (Peek(1) is '+' or '-' && char.IsAsciiDigit(Peek(2)))))
        {
            kind = TokenKind.ApproximateNumber;
            _at += 2;
            while (char.IsAsciiDigit(Peek())) _at++;
        }
        if (char.IsLetter(Peek()) || Peek() == '_')
            throw SqlErrorException.Wrong(_at, $"'{Peek()}' cannot follow a number; a name that starts with a digit goes in backticks.");
        return Make(kind, start);
    }

    private Token Quoted(int start, char quote, TokenKind kind, string what)
    {
        var value = new StringBuilder();
        for (_at++; _at < _text.Length; _at++)
        {
            if (_text[_at] != quote) value.Append(_text[_at]);
            else if (Peek(1) == quote) value.Append(_text[_at++]);
            else
            {
                _at++;
                return new Token(kind, value.ToString(), start, _at - start);
            }
        }
        throw SqlErrorException.Wrong(start, $"This {what} is never closed; a {quote} is missing.");
    }

    private Token Binary(int start)
    {
        var token = Quoted(_at, '\'', TokenKind.BinaryString, "string") with { Offset = start, Length = _at - start };
        if (token.Text.Length % 2 != 0 || !token.Text.All(char.IsAsciiHexDigit))
            throw SqlErrorException.Wrong(start, "A binary literal has an even number of hexadecimal digits.");
        return token;
    }

    /// <summary>U&amp;'…' with \XXXX and \+XXXXXX.</summary>
    private Token Unicode(int start)
    {
        var raw = Quoted(_at, '\'', TokenKind.String, "string");
        var value = new StringBuilder();
        for (var i = 0; i < raw.Text.Length; i++)
        {
            if (raw.Text[i] != '\\') value.Append(raw.Text[i]);
            else if (i + 1 < raw.Text.Length && raw.Text[i + 1] == '\\') value.Append(raw.Text[i++]);
            else
            {
                var (from, digits) = i + 1 < raw.Text.Length && raw.Text[i + 1] == '+' ? (i + 2, 6) : (i + 1, 4);
                if (from + digits > raw.Text.Length || !int.TryParse(raw.Text.AsSpan(from, digits), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var code) || code > 0x10FFFF)
                    throw SqlErrorException.Wrong(start, "In a Unicode literal a backslash is followed by four hexadecimal digits, or by + and six.");
                value.Append(code > 0xFFFF ? char.ConvertFromUtf32(code) : ((char)code).ToString());
                i = from + digits - 1;
            }
        }
        var text = value.ToString();
        if (IsHalfCharacter(text, out var half))
            throw SqlErrorException.Wrong(start, $"In this Unicode literal \\{(int)half:X4} is one half of a surrogate pair without the other, and no character; write the character as \\+ and six digits.");
        return new Token(TokenKind.String, text, start, _at - start);
    }

    /// <summary>Whether the text holds a surrogate without its other half, which has no UTF-8 form.</summary>
    private static bool IsHalfCharacter(string text, out char half)
    {
        half = '\0';
        for (var i = 0; i < text.Length; i++)
        {
            if (!char.IsSurrogate(text[i])) continue;
            if (i + 1 < text.Length && char.IsSurrogatePair(text[i], text[i + 1])) i++;
            else
            {
                half = text[i];
                return true;
            }
        }
        return false;
    }

    private Token QuotedName(int start)
    {
        var name = Quoted(start, '`', TokenKind.QuotedName, "quoted name");
        return name.Text.Length > 0 ? name : throw SqlErrorException.Wrong(start, "A quoted name has at least one character.");
    }

    private bool IsCharacterSet(int start)
    {
        var end = start + 1;
        while (end < _text.Length && (char.IsLetterOrDigit(_text[end]) || _text[end] is '_' or '-')) end++;
        return end < _text.Length && _text[end] == '\'' && end > start + 1;
    }

    private Token Template(int start)
    {
        var end = _text.IndexOf("}}", start, StringComparison.Ordinal);
        if (end < 0) throw SqlErrorException.Wrong(start, "This placeholder is never closed; '}}' is missing.");
        _at = end + 2;
        return new Token(TokenKind.Template, _text[(start + 2)..end].Trim(), start, _at - start);
    }

    private Token Symbol(int start)
    {
        foreach (var symbol in TwoCharacterSymbols)
        {
            if (string.CompareOrdinal(_text, start, symbol, 0, 2) != 0) continue;
            _at += 2;
            return Make(TokenKind.Symbol, start);
        }
        if (!"()[],.;+-*/%=<>:?".Contains(_text[start], StringComparison.Ordinal))
            throw SqlErrorException.Wrong(start, $"'{_text[start]}' means nothing in SQL.");
        _at++;
        return Make(TokenKind.Symbol, start);
    }

    private Token Make(TokenKind kind, int start) => new(kind, _text[start.._at], start, _at - start);
}
