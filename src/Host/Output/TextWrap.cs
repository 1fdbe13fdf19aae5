using System.Text;

namespace Matih.Host.Output;

/// <summary>Breaks long lines at blanks.</summary>
internal static class TextWrap
{
    /// <summary>The least that is left of a line beside its indent; a narrower terminal wraps by itself.</summary>
    private const int RoomMin = 20;

    /// <summary>
    /// Lines of at most so many columns. A longer word stays whole, so that paths and commands can be copied. Line ends in the
    /// text are kept.
    /// </summary>
    /// <param name="width">Columns; null leaves the text as it is.</param>
    /// <param name="indent">Columns in front of every line after the first, where no break is made in the first either.</param>
    public static IEnumerable<string> Lines(string text, int? width, int indent = 0)
    {
        if (width is not { } columns || columns < indent + RoomMin) return text.Split('\n');
        return text.Split('\n').SelectMany(line => Break(line, columns, indent));
    }

    private static IEnumerable<string> Break(string line, int width, int indent)
    {
        var begin = 0;
        while (FindBreak(line, begin, width, indent) is { } end)
        {
            yield return Indented(line[begin..end], begin);
            begin = end;
            while (begin < line.Length && line[begin] == ' ') begin++;
        }
        yield return Indented(line[begin..], begin);

        string Indented(string part, int at) => at == 0 ? part.TrimEnd() : new string(' ', indent) + part.TrimEnd();
    }

    /// <summary>The blank before which the line that begins there has to end; null where it fits, or has no blank.</summary>
    private static int? FindBreak(string line, int begin, int width, int indent)
    {
        var columns = begin == 0 ? 0 : indent;
        int? blank = null;
        var at = begin;
        foreach (var rune in line.AsSpan(begin).EnumerateRunes())
        {
            if (rune == new Rune(' ') && columns >= indent && at > begin)
            {
                if (columns > width) return blank ?? at;
                blank = at;
            }
            columns += TextWidth.Of(rune);
            if (columns > width && blank is not null) return blank;
            at += rune.Utf16SequenceLength;
        }
        return null;
    }
}
