using System.Globalization;
using System.Text;
using System.Text.Unicode;
using Matih.Batches;
using Matih.Json;
using Matih.Sql.Expressions;
using Matih.Sql.Kernels;
using Matih.Sql.Values;

namespace Matih.Sql.Casting;

/// <summary>Casts to CHAR, VARCHAR and STRING, as Flink prints values; cut, and for CHAR padded, to the length.</summary>
internal static class CastsToText
{
    private const int LengthMax = 64;

    private delegate int Writer<T>(T value, Span<byte> target);

    public static Kernel? From(DataType from, DataType to) => from switch
    {
        DataType.Boolean => Each<byte>(to, (value, target) => Copy(value != 0 ? "TRUE"u8 : "FALSE"u8, target)),
        DataType.TinyInt or DataType.SmallInt or DataType.Int => Each<int>(to, (value, target) => Format(value, target)),
        DataType.BigInt => Each<long>(to, (value, target) => Format(value, target)),
        DataType.Decimal type => Each<Int128>(to, (value, target) => DecimalDigits.Write(value, type.Scale, target)),
        DataType.Float => Each<float>(to, WriteFloat),
        DataType.Double => Each<double>(to, JavaDoubleText.Write),
        DataType.Date => Each<int>(to, TemporalText.WriteDate),
        DataType.Time type => Each<int>(to, (value, target) => TemporalText.WriteClock(value * 1000L, type.Precision, target)),
        DataType.Timestamp type => Each<long>(to, (value, target) => TemporalText.WriteTimestamp(TemporalText.MicrosOf(value, type, out var below), type.Precision, target, below: below)),
        DataType.TimestampLtz type => Ltz(to, type),
        DataType.Binary or DataType.Varbinary => Bytes(to),
        _ => null,
    };

    /// <summary>A string in another length.</summary>
    public static Kernel Fit(DataType to) => new("CAST", call =>
    {
        var texts = call.Bytes(0);
        for (var i = 0; i < call.Count; i++)
        {
            if (call.IsNull(i)) call.Result.AppendNull();
            else Append(call.ResultBytes, texts[i], to);
        }
    });

    private static Kernel Each<T>(DataType to, Writer<T> write) where T : unmanaged => new("CAST", call =>
    {
        var values = call.Values<T>(0);
        var result = call.ResultBytes;
        Span<byte> text = stackalloc byte[LengthMax];
        for (var i = 0; i < call.Count; i++)
        {
            if (call.IsNull(i)) result.AppendNull();
            else Append(result, text[..write(values[i], text)], to);
        }
    });

    private static Kernel Ltz(DataType to, DataType.TimestampLtz from) => new("CAST", call =>
    {
        var values = call.Values<long>(0);
        Span<byte> text = stackalloc byte[LengthMax];
        for (var i = 0; i < call.Count; i++)
        {
            if (call.IsNull(i)) call.Result.AppendNull();
            else
            {
                var micros = TemporalText.MicrosOf(values[i], from, out var below);
                Append(call.ResultBytes, text[..TemporalText.WriteTimestamp(SessionZone.ToLocal(micros, call.TimeZone), from.Precision, text, below: below)], to);
            }
        }
    });

    private static Kernel Bytes(DataType to) => new("CAST", call =>
    {
        var values = call.Bytes(0);
        for (var i = 0; i < call.Count; i++)
        {
            if (call.IsNull(i)) call.Result.AppendNull();
            else if (Utf8.IsValid(values[i])) Append(call.ResultBytes, values[i], to);
            else Append(call.ResultBytes, Encoding.UTF8.GetBytes(Encoding.UTF8.GetString(values[i])), to);
        }
    });

    private static void Append(BytesColumn result, ReadOnlySpan<byte> text, DataType to)
    {
        var length = TypeRules.TextLength(to);
        // A string has no more code points than bytes.
        if (text.Length <= length && to is DataType.Varchar)
        {
            result.Append(text);
            return;
        }
        var kept = Utf8Text.Prefix(text, length, out var points);
        if (to is not DataType.Char)
        {
            result.Append(text[..kept]);
            return;
        }
        var padded = result.Begin(kept + length - points);
        text[..kept].CopyTo(padded);
        padded[kept..].Fill((byte)' ');
        result.End(padded.Length);
    }

    private static int Format<T>(T value, Span<byte> target) where T : IUtf8SpanFormattable
    {
        value.TryFormat(target, out var length, default, CultureInfo.InvariantCulture);
        return length;
    }

    // The shortest digits of a float, read as a double, are the shortest digits of that double as well.
    internal static int WriteFloat(float value, Span<byte> target)
    {
        if (!float.IsFinite(value)) return JavaDoubleText.Write(value, target);
        value.TryFormat(target, out var length, "R", CultureInfo.InvariantCulture);
        return JavaDoubleText.Write(double.Parse(target[..length], CultureInfo.InvariantCulture), target);
    }

    private static int Copy(ReadOnlySpan<byte> text, Span<byte> target)
    {
        text.CopyTo(target);
        return text.Length;
    }
}
