using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace Matih.Sql;

/// <summary>How sure the reading of a text by a <see cref="DatePattern"/> is.</summary>
internal enum DateReading
{
    /// <summary>Flink reads the text too, as the same moment.</summary>
    Read,

    /// <summary>Flink cannot read the text either.</summary>
    Unreadable,

    /// <summary>Flink's lenient parsers may read the text, perhaps as another moment: nothing is claimed.</summary>
    Unsure,
}

/// <summary>
/// A pattern of Java for dates and times, restricted to letters that mean the same in DateTimeFormatter and SimpleDateFormat
/// with an English locale: yyyy, M to MMMM, d, dd, H, HH, h, hh, m, mm, s, ss, a; and, for DateTimeFormatter alone, S, E, D, u.
/// </summary>
/// <remarks>Source: java.time.format.DateTimeFormatter and java.text.SimpleDateFormat of Java 17.</remarks>
internal sealed class DatePattern
{
    private static readonly string[] Months = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
    private static readonly string[] Days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

    /// <summary>A letter with its count, or (letter '\0') literal text.</summary>
    private readonly record struct Part(char Letter, int Count, byte[] Literal);

    private readonly ImmutableArray<Part> _parts;

    private DatePattern(ImmutableArray<Part> parts) => _parts = parts;

    /// <summary>The most bytes that a moment takes.</summary>
    public int LengthMax => _parts.Sum(part => part.Letter == '\0' ? part.Literal.Length : Math.Max(part.Count, 10));

    /// <summary>The pattern, or what of it is not taken.</summary>
    /// <param name="isModern">Whether java.time's DateTimeFormatter reads it in Flink; else SimpleDateFormat.</param>
    public static DatePattern? TryParse(string text, bool isModern, out string unsupported)
    {
        unsupported = "";
        var parts = ImmutableArray.CreateBuilder<Part>();
        for (var at = 0; at < text.Length;)
        {
            var c = text[at];
            if (c == '\'')
            {
                if (!TryTakeQuoted(text, ref at, parts))
                {
                    unsupported = "a quote that is never closed";
                    return null;
                }
            }
            else if (char.IsAsciiLetter(c))
            {
                var start = at;
                while (at < text.Length && text[at] == c) at++;
                if (!IsKnown(c, at - start, isModern))
                {
                    unsupported = $"'{text[start..at]}'";
                    return null;
                }
                parts.Add(new Part(c, at - start, []));
            }
            else
            {
                if (c is '[' or ']' or '{' or '}' or '#' || char.IsSurrogate(c))
                {
                    unsupported = $"'{c}'";
                    return null;
                }
                parts.Add(new Part('\0', 0, Encoding.UTF8.GetBytes(c.ToString())));
                at++;
            }
        }
        return new DatePattern(parts.ToImmutable());
    }

    private static bool TryTakeQuoted(string text, ref int at, ImmutableArray<Part>.Builder parts)
    {
        var quoted = new StringBuilder();
        for (at++; at < text.Length; at++)
        {
            if (text[at] != '\'') quoted.Append(text[at]);
            else if (at + 1 < text.Length && text[at + 1] == '\'') quoted.Append(text[at++]);
            else
            {
                at++;
                // Two quotes outside of quotes are one.
                parts.Add(new Part('\0', 0, Encoding.UTF8.GetBytes(quoted.Length == 0 ? "'" : quoted.ToString())));
                return true;
            }
        }
        return false;
    }

    private static bool IsKnown(char letter, int count, bool isModern) => letter switch
    {
        'y' => count == 4 || (isModern && count == 2),
        'M' => count <= 4,
        'd' or 'H' or 'h' or 'm' or 's' => count <= 2,
        'a' => count == 1,
        'u' => isModern && count == 4,
        'S' => isModern && count <= 9,
        'E' => isModern && count <= 4,
        'D' => isModern && count is 1 or 3,
        _ => false,
    };

    /// <summary>Whether it can read: numbers of the date and time with nothing between them missing, no names of days.</summary>
    public bool CanRead
    {
        get
        {
            var letters = _parts.Where(part => part.Letter != '\0').Select(part => part.Letter).ToArray();
            bool Has(char letter) => letters.Contains(letter);
            var hasHour = Has('H') || (Has('h') && Has('a'));
            return letters.Distinct().Count() == letters.Length && letters.Length > 0 && !Has('E') && !Has('D') && !Has('u') && Has('h') == Has('a') && !(Has('h') && Has('H'))
                && (!Has('d') || Has('M')) && (!Has('M') || Has('y')) && (!Has('m') || hasHour) && (!Has('s') || Has('m')) && (!Has('S') || Has('s'))
                && _parts.All(part => part is not { Letter: 'y', Count: 2 });
        }
    }

    /// <summary>Writes a moment of the years 1 to 9999.</summary>
    public int Write(long localMicros, Span<byte> target)
    {
        var (days, microsOfDay) = CivilDate.Split(localMicros);
        var (year, month, day) = CivilDate.FromDays(days);
        var seconds = (int)(microsOfDay / CivilDate.MicrosPerSecond);
        var length = 0;
        foreach (var part in _parts)
        {
            var rest = target[length..];
            length += part.Letter switch
            {
                '\0' => Copy(part.Literal, rest),
                'y' when part.Count == 2 => WriteNumber(year % 100, 2, rest),
                'y' or 'u' => WriteNumber(year, 4, rest),
                'M' when part.Count >= 3 => WriteName(Months[month - 1], part.Count == 4, rest),
                'M' => WriteNumber(month, part.Count, rest),
                'd' => WriteNumber(day, part.Count, rest),
                'D' => WriteNumber(days - CivilDate.ToDays(year, 1, 1) + 1, part.Count, rest),
                'E' => WriteName(Days[CivilDate.DayOfWeek(days)], part.Count == 4, rest),
                'H' => WriteNumber(seconds / 3600, part.Count, rest),
                'h' => WriteNumber((seconds / 3600 + 11) % 12 + 1, part.Count, rest),
                'm' => WriteNumber(seconds / 60 % 60, part.Count, rest),
                's' => WriteNumber(seconds % 60, part.Count, rest),
                'a' => Copy(seconds < 43_200 ? "AM"u8 : "PM"u8, rest),
                _ => WriteFraction((int)(microsOfDay % CivilDate.MicrosPerSecond), part.Count, rest),
            };
        }
        return length;
    }

    private static int Copy(ReadOnlySpan<byte> text, Span<byte> target)
    {
        text.CopyTo(target);
        return text.Length;
    }

    private static int WriteName(string name, bool isLong, Span<byte> target) => Encoding.UTF8.GetBytes(isLong ? name : name[..3], target);

    private static int WriteNumber(int value, int digitsMin, Span<byte> target)
    {
        value.TryFormat(target, out var length, digitsMin switch { 1 => "D1", 2 => "D2", 3 => "D3", _ => "D4" }, CultureInfo.InvariantCulture);
        return length;
    }

    private static int WriteFraction(int micros, int digits, Span<byte> target)
    {
        for (var i = 0; i < digits; i++)
        {
            target[i] = (byte)('0' + micros / 100_000);
            micros = micros % 100_000 * 10;
        }
        return digits;
    }

    /// <summary>Reads a moment; what the pattern does not name is of 1970-01-01 00:00:00.</summary>
    /// <param name="isModern">As DateTimeFormatter (the whole text, a 31st of a short month is its last day), else as SimpleDateFormat (what follows is passed over).</param>
    public DateReading Read(ReadOnlySpan<byte> text, bool isModern, out long localMicros)
    {
        localMicros = 0;
        int year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0, fraction = 0, half = -1, at = 0;
        for (var i = 0; i < _parts.Length; i++)
        {
            var part = _parts[i];
            if (part.Letter == '\0')
            {
                if (!text[at..].StartsWith(part.Literal)) return DateReading.Unreadable;
                at += part.Literal.Length;
                continue;
            }
            if (part.Letter == 'a')
            {
                half = text[at..].StartsWith("AM"u8) ? 0 : text[at..].StartsWith("PM"u8) ? 12 : -1;
                if (half < 0) return DateReading.Unsure;
                at += 2;
                continue;
            }
            if (part is { Letter: 'M', Count: >= 3 })
            {
                if (!TryReadMonth(text[at..], part.Count == 4, out month, out var nameLength)) return DateReading.Unsure;
                at += nameLength;
                continue;
            }
            var start = at;
            var isAbutting = i + 1 < _parts.Length && _parts[i + 1].Letter is not ('\0' or 'a');
            // Digits of adjacent numbers are told apart by their count alone.
            var width = part.Letter == 'y' || part.Letter == 'S' || part.Count > 2 ? part.Count : 2;
            if (isAbutting && part.Count == 1) return DateReading.Unsure;
            var value = 0;
            while (at < text.Length && at - start < width && char.IsAsciiDigit((char)text[at])) value = value * 10 + (text[at++] - '0');
            var digits = at - start;
            if (digits == 0)
            {
                var isPlain = at == text.Length || (text[at] is > (byte)' ' and < 0x80 and not ((byte)'-' or (byte)'+'));
                return isPlain ? DateReading.Unreadable : DateReading.Unsure;
            }
            // Fewer or more digits than the pattern has: each of the parsers has rules of its own.
            var isMore = !isAbutting && at < text.Length && char.IsAsciiDigit((char)text[at]);
            if (isMore || (digits < part.Count && (!isModern || isAbutting || part.Letter == 'S'))) return isModern && !isMore ? DateReading.Unreadable : DateReading.Unsure;
            if (digits < part.Count) return DateReading.Unreadable;
            switch (part.Letter)
            {
                case 'y': year = value; break;
                case 'M': month = value; break;
                case 'd': day = value; break;
                case 'H' or 'h': hour = value; break;
                case 'm': minute = value; break;
                case 's': second = value; break;
                default:
                    for (var digit = digits; digit < 9; digit++) value *= 10;
                    fraction = value / 1000;
                    break;
            }
        }
        if (isModern && at < text.Length) return DateReading.Unreadable;
        if (half >= 0)
        {
            if (hour is < 1 or > 12) return DateReading.Unsure;
            hour = hour % 12 + half;
        }
        if (year < 1 || hour == 24) return DateReading.Unsure;
        if (month is < 1 or > 12 || day is < 1 or > 31 || hour > 24 || minute > 59 || second > 59) return isModern ? DateReading.Unreadable : DateReading.Unsure;
        var dayMax = CivilDate.DaysInMonth(year, month);
        // SimpleDateFormat counts on into the next month, and follows the Julian calendar before 1582.
        if (!isModern && (day > dayMax || year < 1583)) return DateReading.Unsure;
        localMicros = CivilDate.ToDays(year, month, Math.Min(day, dayMax)) * CivilDate.MicrosPerDay + ((hour * 60L + minute) * 60 + second) * CivilDate.MicrosPerSecond + fraction;
        return DateReading.Read;
    }

    private static bool TryReadMonth(ReadOnlySpan<byte> text, bool isLong, out int month, out int length)
    {
        for (month = 1; month <= 12; month++)
        {
            var name = isLong ? Months[month - 1] : Months[month - 1][..3];
            length = name.Length;
            if (text.Length < length || Encoding.UTF8.GetString(text[..length]) != name) continue;
            // SimpleDateFormat reads the long name as well.
            return isLong || length == text.Length || !char.IsAsciiLetter((char)text[length]);
        }
        length = 0;
        return false;
    }
}
