using System.Globalization;
using System.Numerics;
using System.Text;
using Matih.Batches;
using Matih.Decoding;

namespace Matih.Engine.Tests.Decoding;

/// <summary>Runs a decoder and shows what became of each record: its cells, or <c>rejected: reason</c>, <c>dropped</c>, <c>excluded</c>.</summary>
internal static class Decoded
{
    public static string[] Rows(IRecordDecoder decoder, RawBatch batch, Action<RowErrors>? before = null)
    {
        var errors = new RowErrors();
        errors.Clear(batch.Count);
        before?.Invoke(errors);
        var excluded = errors.LeftOut.ToArray();

        var columns = decoder.Decode(batch, errors);

        Assert.Equal(batch.Count, columns.Count);
        Assert.All(columns.Columns.ToArray(), column => Assert.Equal(batch.Count, column.Count));
        var reasons = errors.Errors.ToDictionary(error => error.Row, error => "rejected: " + error.Reason);
        return [.. Enumerable.Range(0, batch.Count).Select(row =>
        {
            if (!errors.IsLeftOut(row)) return string.Join(" | ", columns.Columns.ToArray().Select(column => Cell(column, row)));
            Assert.All(columns.Columns.ToArray(), column => Assert.True(column.IsNull(row), $"row {row} is left out and must be NULL"));
            return excluded[row] != 0 ? "excluded" : reasons.GetValueOrDefault(row, "dropped");
        })];
    }

    public static string[] Json(IReadOnlyList<InputColumn> columns, JsonDecodeSettings settings, params string[] values)
    {
        using var decoder = new JsonRecordDecoder(columns, settings, "clicks", MemoryAccount.Unlimited());
        using var batch = new ManagedRawBatch();
        foreach (var value in values) batch.Add(Encoding.UTF8.GetBytes(value));
        return Rows(decoder, batch);
    }

    public static string Cell(Column column, int row)
    {
        if (column.IsNull(row)) return "NULL";
        return (column, column.Type) switch
        {
            (FixedColumn<byte> booleans, _) => booleans.Values[row] switch { 0 => "false", 1 => "true", _ => "broken" },
            (FixedColumn<int> days, DataType.Date) => Day(days.Values[row]),
            (FixedColumn<int> millis, DataType.Time) => TimeSpan.FromMilliseconds(millis.Values[row]).ToString("c", CultureInfo.InvariantCulture),
            (FixedColumn<int> ints, _) => ints.Values[row].ToString(CultureInfo.InvariantCulture),
            (FixedColumn<long> micros, DataType.Timestamp) => Instant(micros.Values[row]),
            (FixedColumn<long> micros, DataType.TimestampLtz) => Instant(micros.Values[row]) + "Z",
            (FixedColumn<long> longs, _) => longs.Values[row].ToString(CultureInfo.InvariantCulture),
            (FixedColumn<float> floats, _) => floats.Values[row].ToString(CultureInfo.InvariantCulture),
            (FixedColumn<double> doubles, _) => doubles.Values[row].ToString(CultureInfo.InvariantCulture),
            (FixedColumn<Int128> decimals, DataType.Decimal type) => Decimal((BigInteger)decimals.Values[row], type.Scale),
            (BytesColumn bytes, DataType.Binary or DataType.Varbinary) => "0x" + Convert.ToHexString(bytes[row]),
            (BytesColumn text, _) => new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(text[row]),
            (ListColumn lists, _) => "[" + string.Join(", ", Enumerable.Range(lists.StartOf(row), lists.LengthOf(row)).Select(element => Cell(lists.Elements, element))) + "]",
            (RowColumn rows, _) => "(" + string.Join(", ", rows.Fields.ToArray().Select(member => Cell(member, row))) + ")",
            _ => throw new NotSupportedException(column.Type.ToString()),
        };
    }

    private static string Day(int days)
    {
        var day = BeforeYearOne(days, out var year);
        return year + day.ToString("-MM-dd", CultureInfo.InvariantCulture);
    }

    private static string Instant(long micros)
    {
        var days = (int)Math.Floor(micros / 86_400e6);
        var time = new TimeSpan((micros - days * 86_400_000_000L) * 10);
        return Day(days) + "T" + time.ToString(micros % 1_000_000 == 0 ? "hh':'mm':'ss" : "hh':'mm':'ss'.'ffffff", CultureInfo.InvariantCulture);
    }

    /// <summary>The framework knows no year 0: it is shown 400 years, one full cycle, later.</summary>
    private static DateTime BeforeYearOne(int days, out string year)
    {
        const int CycleDays = 146_097;
        var day = DateTime.UnixEpoch.AddDays(days < -719_162 ? days + CycleDays : days);
        year = (days < -719_162 ? day.Year - 400 : day.Year).ToString("0000", CultureInfo.InvariantCulture);
        return day;
    }

    private static string Decimal(BigInteger unscaled, int scale)
    {
        var digits = BigInteger.Abs(unscaled).ToString(CultureInfo.InvariantCulture).PadLeft(scale + 1, '0');
        return (unscaled.Sign < 0 ? "-" : "") + digits[..^scale] + (scale == 0 ? "" : "." + digits[^scale..]);
    }
}
