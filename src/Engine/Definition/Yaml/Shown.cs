using System.Text;

namespace Matih.Definition.Yaml;

/// <summary>
/// How content of the definition is shown in messages: short, on one line, and without what looks like a credential (user
/// info before an <c>@</c>, whatever follows an <c>=</c>), because values end up in wrong places.
/// </summary>
internal static class Shown
{
    private const int LengthMax = 60;

    public static string Value(string text)
    {
        var shown = new StringBuilder("'");
        var wordStart = 0;
        for (var i = 0; i <= text.Length && shown.Length <= LengthMax; i++)
        {
            if (i < text.Length && !char.IsWhiteSpace(text[i]) && text[i] != ',') continue;
            AppendWord(shown, text.AsSpan(wordStart, i - wordStart));
            if (shown.Length > LengthMax) break;
            if (i < text.Length) shown.Append(text[i] == ',' ? ',' : ' ');
            wordStart = i + 1;
        }
        if (shown.Length > LengthMax + 1)
        {
            shown.Length = LengthMax + 1;
            shown.Append('…');
        }
        return shown.Append('\'').ToString();
    }

    /// <summary>A key as far as it looks like one: a mistyped line can have its value in the key.</summary>
    public static string Key(string key)
    {
        var length = 0;
        while (length < key.Length && (char.IsAsciiLetterOrDigit(key[length]) || key[length] is '_' or '-' or '.')) length++;
        return length == key.Length && length <= LengthMax ? key : key[..Math.Min(length, LengthMax)] + "…";
    }

    private static void AppendWord(StringBuilder shown, ReadOnlySpan<char> word)
    {
        var userInfoEnd = word.LastIndexOf('@');
        if (userInfoEnd > 0)
        {
            shown.Append(Secret.Mask);
            word = word[userInfoEnd..];
        }
        var assignment = word.IndexOf('=');
        var end = assignment > 0 ? assignment + 1 : word.Length;
        foreach (var c in word[..Math.Min(end, LengthMax)]) shown.Append(char.IsControl(c) || char.IsSurrogate(c) ? '?' : c);
        if (end > LengthMax) shown.Append("……");
        if (assignment > 0 && end < word.Length) shown.Append(Secret.Mask);
    }
}
