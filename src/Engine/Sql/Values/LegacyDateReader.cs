using System.Collections.Immutable;
using System.Globalization;

namespace Matih.Sql.Values;

/// <summary>
/// Reads a text by a pattern as SimpleDateFormat does: leniently. Fields count on beyond their range, blanks before numbers
/// and signs are taken, names in any case, and what follows the last field is passed over.
/// </summary>
/// <remarks>Source: java.text.SimpleDateFormat and DecimalFormat of Java 17 with an English locale, checked against them at random.</remarks>
internal static class LegacyDateReader
{
    /// <param name="localMicros">Local time since 1970-01-01 of the proleptic calendar; what the pattern does not name is of 1970-01-01 00:00:00.</param>
    /// <param name="offsetSeconds">What the text says that the time is ahead of UTC; null where it says nothing.</param>
    public static DateReading Read(ImmutableArray<DatePatternPart> parts, ReadOnlySpan<char> text, out long localMicros, out int? offsetSeconds)
    {
        localMicros = 0;
        offsetSeconds = null;
        long year = 1970, month = 1, day = 1, hour = 0, minute = 0, second = 0, millis = 0, half = 0;
        var at = 0;
        for (var i = 0; i < parts.Length; i++)
        {
            var part = parts[i];
            if (part.Letter == '\0')
            {
                if (!text[at..].StartsWith(part.Text, StringComparison.Ordinal)) return DateReading.Unreadable;
                at += part.Text.Length;
                continue;
            }
            var start = at;
            while (at < text.Length && text[at] is ' ' or '\t') at++;
            if (at == text.Length) return DateReading.Unreadable;
            if (part.IsZone)
            {
                if (!TryReadOffset(part, text, ref at, out var offset)) return at < text.Length && char.IsAsciiLetter(text[at]) && part.Letter == 'Z' ? DateReading.OutOfRange : DateReading.Unreadable;
                offsetSeconds = offset;
                continue;
            }
            if (part.IsText)
            {
                // Names are looked for before the blanks that numbers may have.
                at = start;
                if (!TryReadName(part, text, ref at, ref month, ref half)) return DateReading.Unreadable;
                continue;
            }
            var isAbutting = i + 1 < parts.Length && parts[i + 1] is { Letter: not '\0', IsText: false };
            if (isAbutting && start + part.Count > text.Length) return DateReading.Unreadable;
            if (!TryReadNumber(isAbutting ? text[..(start + part.Count)] : text, ref at, out var value)) return DateReading.Unreadable;
            switch (part.Letter)
            {
                case 'y': year = value; break;
                case 'M': month = value; break;
                case 'd': day = value; break;
                case 'H': hour = value; break;
                case 'h': hour = value == 12 ? 0 : value; break;
                case 'm': minute = value; break;
                case 'S': millis = value; break;
                default: second = value; break;
            }
        }
        var more = Math.DivRem(millis, 1000, out var rest);
        if (rest < 0)
        {
            more--;
            rest += 1000;
        }
        var seconds = ((hour + half) * 60 + minute) * 60 + second + more;
        var days = Math.DivRem(seconds, 86_400, out var clock);
        if (clock < 0)
        {
            days--;
            clock += 86_400;
        }
        if (LenientDate.ToDays(year, month, day, days) is not { } date || Math.Abs(date) > 100_000_000) return DateReading.OutOfRange;
        localMicros = date * CivilDate.MicrosPerDay + clock * CivilDate.MicrosPerSecond + rest * 1000;
        return DateReading.Read;
    }

    /// <summary><c>Z</c>, <c>+02</c> or <c>+02:00</c> for X and XXX, <c>+0200</c> for Z; hours to 23.</summary>
    private static bool TryReadOffset(DatePatternPart part, ReadOnlySpan<char> text, ref int at, out int seconds)
    {
        seconds = 0;
        if (part.Letter == 'X' && text[at] == 'Z')
        {
            at++;
            return true;
        }
        var hasColon = part is { Letter: 'X', Count: 3 };
        var hasMinutes = hasColon || part.Letter == 'Z';
        var length = hasColon ? 6 : hasMinutes ? 5 : 3;
        if (text[at] is not ('+' or '-') || at + length > text.Length || (hasColon && text[at + 3] != ':')) return false;
        var minutesAt = at + (hasColon ? 4 : 3);
        if (!ModernDateReader.TryTakeTwo(text, at + 1, 23, out var hours)) return false;
        var minutes = 0;
        if (hasMinutes && !ModernDateReader.TryTakeTwo(text, minutesAt, 59, out minutes)) return false;
        seconds = (hours * 60 + minutes) * (text[at] == '-' ? -60 : 60);
        at += length;
        return true;
    }

    private static bool TryReadName(DatePatternPart part, ReadOnlySpan<char> text, ref int at, ref long month, ref long half)
    {
        if (part.Letter == 'a')
        {
            var isMorning = text[at..].StartsWith("AM", StringComparison.OrdinalIgnoreCase);
            if (!isMorning && !text[at..].StartsWith("PM", StringComparison.OrdinalIgnoreCase)) return false;
            half = isMorning ? 0 : 12;
            at += 2;
            return true;
        }
        // The name of a day is read, and then nobody asks for it.
        var names = part.Letter == 'E' ? DatePattern.Days : DatePattern.Months;
        for (var i = 0; i < names.Length; i++)
        {
            var name = names[i];
            var isLong = text[at..].StartsWith(name, StringComparison.OrdinalIgnoreCase);
            if (!isLong && !text[at..].StartsWith(name.AsSpan(0, 3), StringComparison.OrdinalIgnoreCase)) continue;
            if (part.Letter != 'E') month = i + 1;
            at += isLong ? name.Length : 3;
            return true;
        }
        return false;
    }

    /// <summary>A whole number as DecimalFormat reads it: a minus sign, digits of any script, an exponent; cut to 32 bits as Java does.</summary>
    private static bool TryReadNumber(ReadOnlySpan<char> text, ref int at, out int value)
    {
        value = 0;
        if (at > text.Length) return false;
        if (text[at..].StartsWith("NaN", StringComparison.Ordinal))
        {
            at += 3;
            return true;
        }
        var (position, isNegative) = (at, false);
        if (position < text.Length && text[position] == '-') (position, isNegative) = (position + 1, true);
        if (position < text.Length && text[position] == '\u221E')
        {
            at = position + 1;
            value = isNegative ? int.MinValue : int.MaxValue;
            return true;
        }
        var digits = TakeDigits(text, ref position, out var count);
        if (count == 0) return false;
        if (position < text.Length && text[position] == 'E') digits = Scale(digits, text, ref position);
        at = position;
        var signed = isNegative ? -digits : digits;
        // A number beyond 64 bits is a double in Java, and the largest or smallest int.
        value = digits > long.MaxValue ? (isNegative ? int.MinValue : int.MaxValue) : unchecked((int)(long)signed);
        return true;
    }

    private static Int128 TakeDigits(ReadOnlySpan<char> text, ref int at, out int count)
    {
        Int128 value = 0;
        for (count = 0; at < text.Length && DigitOf(text[at]) is >= 0 and var digit; at++, count++)
            if (value <= long.MaxValue) value = value * 10 + digit;
        return value;
    }

    private static int DigitOf(char c) => c <= '9' ? (c >= '0' ? c - '0' : -1) : c < 0x80 ? -1 : CharUnicodeInfo.GetDecimalDigitValue(c);

    private static Int128 Scale(Int128 digits, ReadOnlySpan<char> text, ref int at)
    {
        var position = at + 1;
        var isNegative = position < text.Length && text[position] == '-';
        if (isNegative) position++;
        var exponent = TakeDigits(text, ref position, out var count);
        if (count == 0 || exponent > long.MaxValue) return digits;
        at = position;
        for (; exponent > 0 && digits > 0 && digits <= long.MaxValue; exponent--) digits = isNegative ? digits / 10 : digits * 10;
        return digits;
    }
}
