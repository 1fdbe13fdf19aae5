namespace Matih.Sql.Values;

/// <summary>Code points of valid UTF-8, counted without decoding.</summary>
internal static class Utf8Text
{
    public static int CountCodePoints(ReadOnlySpan<byte> text)
    {
        var count = 0;
        foreach (var b in text)
            if ((b & 0xC0) != 0x80) count++;
        return count;
    }

    /// <summary>Bytes of the first so many code points, and how many there are.</summary>
    public static int Prefix(ReadOnlySpan<byte> text, int pointsMax, out int points)
    {
        points = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if ((text[i] & 0xC0) == 0x80) continue;
            if (points == pointsMax) return i;
            points++;
        }
        return text.Length;
    }
}
