using System.Collections.Immutable;
using System.Globalization;
using System.Text;

namespace Matih.Sql.Values;

/// <summary>What became of reading a text by a <see cref="DatePattern"/>.</summary>
internal enum DateReading
{
    /// <summary>It is a moment.</summary>
    Read,

    /// <summary>The text does not follow the pattern, for Flink neither.</summary>
    Unreadable,

    /// <summary>A date outside of the years 1 to 9999, or on which Flink fails.</summary>
    OutOfRange,
}

/// <summary>A letter of a pattern with its count, or (letter '\0') literal text.</summary>
internal readonly record struct DatePatternPart(char Letter, int Count, string Text)
{
    /// <summary>The text as it is written.</summary>
    public byte[] Literal { get; } = Encoding.UTF8.GetBytes(Text);

    /// <summary>Whether it stands for a word: a month's name, or AM and PM.</summary>
    public bool IsText => Letter is 'a' or 'E' || this is { Letter: 'M', Count: >= 3 };
}

/// <summary>
/// A pattern of Java for dates and times, restricted to letters that mean the same in DateTimeFormatter and SimpleDateFormat
/// with an English locale: yyyy, M to MMMM, d, dd, H, HH, h, hh, m, mm, s, ss, a; and, for DateTimeFormatter alone, S, E, D, u.
/// </summary>
/// <remarks>Source: java.time.format.DateTimeFormatter and java.text.SimpleDateFormat of Java 17.</remarks>
internal sealed class DatePattern
{
    internal static readonly ImmutableArray<string> Months = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
    private static readonly string[] Days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

    private readonly ImmutableArray<DatePatternPart> _parts;

    private DatePattern(ImmutableArray<DatePatternPart> parts) => _parts = parts;

    /// <summary>The most bytes that a moment takes.</summary>
    public int LengthMax => _parts.Sum(part => part.Letter == '\0' ? part.Literal.Length : Math.Max(part.Count, 10));

    /// <summary>The pattern, or what of it is not taken.</summary>
    /// <param name="isModern">Whether java.time's DateTimeFormatter reads it in Flink; else SimpleDateFormat.</param>
    public static DatePattern? TryParse(string text, bool isModern, out string unsupported)
    {
        unsupported = "";
        var parts = ImmutableArray.CreateBuilder<DatePatternPart>();
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
                parts.Add(new DatePatternPart(c, at - start, ""));
            }
            else
            {
                if (c is '[' or ']' or '{' or '}' or '#' || char.IsSurrogate(c))
                {
                    unsupported = $"'{c}'";
                    return null;
                }
                parts.Add(new DatePatternPart('\0', 0, c.ToString()));
                at++;
            }
        }
        return new DatePattern(parts.ToImmutable());
    }

    private static bool TryTakeQuoted(string text, ref int at, ImmutableArray<DatePatternPart>.Builder parts)
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
                parts.Add(new DatePatternPart('\0', 0, quoted.Length == 0 ? "'" : quoted.ToString()));
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
    /// <param name="isModern">As java.time's DateTimeFormatter, else as SimpleDateFormat.</param>
    public DateReading Read(ReadOnlySpan<byte> text, bool isModern, out long localMicros)
    {
        const int UnitsMax = 256;
        var units = text.Length <= UnitsMax ? stackalloc char[UnitsMax] : new char[text.Length];
        units = units[..Encoding.UTF8.GetChars(text, units)];
        if (!isModern) return LegacyDateReader.Read(_parts, units, out localMicros);
        var reading = ModernDateReader.Read(_parts, units, out localMicros);
        return reading == DateReading.Unreadable ? ModernDateReader.ReadPlain(units, out localMicros) : reading;
    }
}
