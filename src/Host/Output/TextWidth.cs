using System.Globalization;
using System.Text;

namespace Matih.Host.Output;

/// <summary>How many columns a terminal needs for a text.</summary>
internal static class TextWidth
{
    /// <summary>Blocks whose characters take two columns, by Unicode's East Asian Width (UAX #11), in whole blocks.</summary>
    private static readonly (int First, int Last)[] Wide =
    [
        (0x1100, 0x115F), (0x2E80, 0x303E), (0x3041, 0xA4CF), (0xAC00, 0xD7A3), (0xF900, 0xFAFF), (0xFE30, 0xFE6F),
        (0xFF00, 0xFF60), (0xFFE0, 0xFFE6), (0x1F300, 0x1F64F), (0x1F900, 0x1F9FF), (0x20000, 0x3FFFD),
    ];

    /// <summary>Columns of a text; sequences that set a style (CSI … m) take none.</summary>
    public static int Of(ReadOnlySpan<char> text)
    {
        var columns = 0;
        var isStyle = false;
        foreach (var rune in text.EnumerateRunes())
        {
            if (rune.Value == '\e') isStyle = true;
            else if (isStyle) isStyle = rune.Value != 'm';
            else columns += Of(rune);
        }
        return columns;
    }

    public static int Of(Rune rune)
    {
        if (Rune.GetUnicodeCategory(rune) is UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark or UnicodeCategory.Format or UnicodeCategory.Control) return 0;
        return Array.Exists(Wide, block => rune.Value >= block.First && rune.Value <= block.Last) ? 2 : 1;
    }
}
