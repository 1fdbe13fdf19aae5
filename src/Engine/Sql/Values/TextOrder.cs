namespace Matih.Sql.Values;

/// <summary>Orders UTF-8 strings as Java orders them: by UTF-16 code units.</summary>
internal static class TextOrder
{
    public static int Compare(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        var same = left.CommonPrefixLength(right);
        if (same == left.Length || same == right.Length) return left.Length.CompareTo(right.Length);
        var (first, second) = (left[same], right[same]);
        // Code points above U+FFFF (first byte from F0) are pairs of surrogates, which lie below U+E000 to U+FFFF (EE, EF).
        if (first >= 0xF0 && second is 0xEE or 0xEF) return -1;
        if (second >= 0xF0 && first is 0xEE or 0xEF) return 1;
        return first.CompareTo(second);
    }
}
