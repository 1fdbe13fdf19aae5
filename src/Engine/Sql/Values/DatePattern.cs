using System.Collections.Immutable;
using System.Globalization;
using System.Text;
using Matih.Batches;

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
    public bool IsText => Letter is 'a' or 'E' or 'G' || IsZone || this is { Letter: 'M' or 'L' or 'Q' or 'q', Count: >= 3 };

    /// <summary>Whether it stands for an offset from UTC.</summary>
    public bool IsZone => Letter is 'X' or 'x' or 'Z';
}

/// <summary>A pattern of Java for dates and times, as DateTimeFormatter ("modern") or SimpleDateFormat with an English locale takes it.</summary>
/// <remarks>Source: java.time.format.DateTimeFormatter and java.text.SimpleDateFormat of Java 17.</remarks>
internal sealed class DatePattern
{
    internal static readonly ImmutableArray<string> Months = ["January", "February", "March", "April", "May", "June", "July", "August", "September", "October", "November", "December"];
    internal static readonly ImmutableArray<string> Days = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];

    private readonly ImmutableArray<DatePatternPart> _parts;

    private readonly bool _isModern;

    private DatePattern(ImmutableArray<DatePatternPart> parts, bool isModern)
    {
        _parts = parts;
        _isModern = isModern;
    }

    /// <summary>The most bytes that a moment takes.</summary>
    public int LengthMax => _parts.Sum(part => part.Letter == '\0' ? part.Literal.Length : Math.Max(part.Count, 12));

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
        return new DatePattern(parts.ToImmutable(), isModern);
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
        'y' or 'Y' => count <= 9,
        'u' => isModern ? count <= 9 : count <= 2,
        'M' or 'L' or 'E' => count <= 5,
        'd' or 'H' or 'h' or 'm' or 's' or 'k' or 'K' or 'w' => count <= 2,
        'D' => count <= 3,
        'S' => count <= 9,
        'W' or 'a' => count == 1,
        'G' => count <= (isModern ? 4 : 3),
        'Q' or 'q' => isModern && count <= 4,
        'e' => isModern && count <= 2,
        'c' => isModern && count == 1,
        'X' => count <= 3,
        'x' => isModern && count <= 3,
        'Z' => isModern ? count <= 3 : count == 1,
        _ => false,
    };

    /// <summary>Whether it can write: a time without a zone has no offset.</summary>
    public bool CanWrite => !_parts.Any(part => part.IsZone);

    /// <summary>Whether it has an offset from UTC.</summary>
    public bool HasZone => _parts.Any(part => part.IsZone);

    /// <summary>Whether it can read: the numbers of a date and time, each once and with nothing between them missing.</summary>
    public bool CanRead
    {
        get
        {
            var letters = _parts.Where(part => part.Letter != '\0').Select(part => part.Letter).ToArray();
            bool Has(char letter) => letters.Contains(letter);
            var hasYear = Has('y') != (_isModern && Has('u'));
            var hasDayOfYear = _isModern && Has('D');
            var hasDay = Has('d') || hasDayOfYear;
            var hasHour = Has('H') || (Has('h') && Has('a'));
            return letters.Length > 0 && letters.Distinct().Count() == letters.Length && letters.All(letter => (_isModern ? "yuMdDEHhmsSaXxZ" : "yMdEHhmsSaXZ").Contains(letter, StringComparison.Ordinal))
                && Has('h') == Has('a') && !(Has('h') && Has('H')) && _parts.Count(part => part.IsZone) <= 1
                && (!hasDayOfYear || (hasYear && !Has('M') && !Has('d'))) && (!Has('d') || Has('M')) && (!Has('M') || hasYear) && (!Has('u') || !Has('y')) && (!Has('E') || hasDay)
                && (!Has('m') || hasHour) && (!Has('s') || Has('m')) && (!Has('S') || Has('s')) && _parts.All(CanReadPart);
        }
    }

    private bool CanReadPart(DatePatternPart part) => part switch
    {
        // SimpleDateFormat takes two digits for a year near the present one, whichever that is.
        { Letter: 'y' } when !_isModern => part.Count == 4,
        { Letter: 'y' or 'u' } => part.Count <= 4,
        { Letter: 'M' or 'E' } => part.Count <= 4,
        { Letter: 'D' } => part.Count is 1 or 3,
        { Letter: 'X' } when !_isModern => part.Count is 1 or 3,
        _ => true,
    };

    /// <summary>Writes a moment of the years 1 to 9999.</summary>
    /// <param name="below">Nanoseconds after the microsecond, 0 to 999.</param>
    public int Write(long localMicros, int below, Span<byte> target)
    {
        var moment = new Moment(localMicros, below);
        var length = 0;
        foreach (var part in _parts) length += WritePart(part, moment, target[length..]);
        return length;
    }

    /// <summary>A moment's fields.</summary>
    private readonly struct Moment
    {
        public Moment(long localMicros, int below)
        {
            (Days, var microsOfDay) = CivilDate.Split(localMicros);
            (Year, Month, Day) = CivilDate.FromDays(Days);
            Seconds = (int)(microsOfDay / CivilDate.MicrosPerSecond);
            Nanos = (int)(microsOfDay % CivilDate.MicrosPerSecond) * Nanoseconds.PerMicro + below;
        }

        public readonly int Days, Year, Month, Day, Seconds;

        /// <summary>Of the second.</summary>
        public readonly int Nanos;

        public int Hour => Seconds / 3600;
        public int Weekday => CivilDate.DayOfWeek(Days);
        public int DayOfYear => Days - CivilDate.ToDays(Year, 1, 1) + 1;

        /// <summary>Weeks begin on Sunday, and that of the first of January is the first.</summary>
        private bool IsInFirstWeekOfNext => Year < 9999 ? Days + 6 - Weekday >= CivilDate.ToDays(Year + 1, 1, 1) : Day + 6 - Weekday > 31 && Month == 12;

        public int WeekYear => IsInFirstWeekOfNext ? Year + 1 : Year;
        public int Week => IsInFirstWeekOfNext ? 1 : (DayOfYear - 1 + CivilDate.DayOfWeek(CivilDate.ToDays(Year, 1, 1))) / 7 + 1;
        public int WeekOfMonth => (Day - 1 + CivilDate.DayOfWeek(Days - Day + 1)) / 7 + 1;
    }

    private int WritePart(DatePatternPart part, in Moment moment, Span<byte> target) => part.Letter switch
    {
        '\0' => Copy(part.Literal, target),
        'u' when !_isModern => WriteNumber((moment.Weekday + 6) % 7 + 1, part.Count, target),
        'y' or 'u' => WriteYear(moment.Year, part.Count, target),
        'Y' => WriteYear(moment.WeekYear, part.Count, target),
        'M' or 'L' when part.Count >= 3 => WriteName(Months[moment.Month - 1], part.Count, target),
        'M' or 'L' => WriteNumber(moment.Month, part.Count, target),
        'd' => WriteNumber(moment.Day, part.Count, target),
        'D' => WriteNumber(moment.DayOfYear, part.Count, target),
        'E' => WriteName(Days[moment.Weekday], part.Count, target),
        'e' or 'c' => WriteNumber(moment.Weekday + 1, part.Count, target),
        'w' => WriteNumber(moment.Week, part.Count, target),
        'W' => WriteNumber(moment.WeekOfMonth, part.Count, target),
        'Q' or 'q' => WriteQuarter((moment.Month - 1) / 3 + 1, part.Count, target),
        'G' => Copy(part.Count == 4 ? "Anno Domini"u8 : "AD"u8, target),
        'H' => WriteNumber(moment.Hour, part.Count, target),
        'h' => WriteNumber((moment.Hour + 11) % 12 + 1, part.Count, target),
        'k' => WriteNumber((moment.Hour + 23) % 24 + 1, part.Count, target),
        'K' => WriteNumber(moment.Hour % 12, part.Count, target),
        'm' => WriteNumber(moment.Seconds / 60 % 60, part.Count, target),
        's' => WriteNumber(moment.Seconds % 60, part.Count, target),
        'a' => Copy(moment.Seconds < 43_200 ? "AM"u8 : "PM"u8, target),
        // Milliseconds as a number, or a fraction of so many digits.
        _ when !_isModern => WriteNumber(moment.Nanos / 1_000_000, part.Count, target),
        _ => WriteFraction(moment.Nanos, part.Count, target),
    };

    private static int WriteYear(int year, int count, Span<byte> target) => count == 2 ? WriteNumber(year % 100, 2, target) : WriteNumber(year, count, target);

    private static int WriteQuarter(int quarter, int count, Span<byte> target)
    {
        if (count <= 2) return WriteNumber(quarter, count, target);
        if (count == 3)
        {
            target[0] = (byte)'Q';
            return 1 + WriteNumber(quarter, 1, target[1..]);
        }
        return Copy(quarter switch { 1 => "1st quarter"u8, 2 => "2nd quarter"u8, 3 => "3rd quarter"u8, _ => "4th quarter"u8 }, target);
    }

    private static int Copy(ReadOnlySpan<byte> text, Span<byte> target)
    {
        text.CopyTo(target);
        return text.Length;
    }

    /// <summary>Short for up to three letters, long for four; five are one letter in DateTimeFormatter.</summary>
    private int WriteName(string name, int count, Span<byte> target) =>
        Encoding.UTF8.GetBytes(count == 5 && _isModern ? name[..1] : count >= 4 ? name : name[..3], target);

    private static int WriteNumber(int value, int digitsMin, Span<byte> target)
    {
        Span<byte> digits = stackalloc byte[10];
        value.TryFormat(digits, out var length, default, CultureInfo.InvariantCulture);
        var zeros = Math.Max(0, digitsMin - length);
        target[..zeros].Fill((byte)'0');
        digits[..length].CopyTo(target[zeros..]);
        return zeros + length;
    }

    private static int WriteFraction(int nanos, int digits, Span<byte> target)
    {
        for (var i = 0; i < digits; i++)
        {
            target[i] = (byte)('0' + nanos / 100_000_000);
            nanos = nanos % 100_000_000 * 10;
        }
        return digits;
    }

    /// <summary>Reads a moment; what the pattern does not name is of 1970-01-01 00:00:00.</summary>
    /// <param name="offsetSeconds">What the text says that the time is ahead of UTC, which DateTimeFormatter does not tell; null where it says nothing.</param>
    public DateReading Read(ReadOnlySpan<byte> text, out long localMicros, out int? offsetSeconds)
    {
        const int UnitsMax = 256;
        var units = text.Length <= UnitsMax ? stackalloc char[UnitsMax] : new char[text.Length];
        units = units[..Encoding.UTF8.GetChars(text, units)];
        offsetSeconds = null;
        if (!_isModern) return LegacyDateReader.Read(_parts, units, out localMicros, out offsetSeconds);
        var reading = ModernDateReader.Read(_parts, units, out localMicros);
        return reading == DateReading.Unreadable ? ModernDateReader.ReadPlain(units, out localMicros) : reading;
    }

    /// <summary>As the other, of a pattern without an offset.</summary>
    public DateReading Read(ReadOnlySpan<byte> text, out long localMicros) => Read(text, out localMicros, out _);
}
