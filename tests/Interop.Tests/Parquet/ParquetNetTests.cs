using System.Globalization;
using System.Text;
using global::Parquet;
using global::Parquet.Data;
using global::Parquet.Schema;
using static Matih.Engine.Tests.Parquet.ParquetSamples;
using ParquetType = Matih.Parquet.ParquetType;

namespace Matih.Interop.Tests.Parquet;

/// <summary>Our files, read by Parquet.Net, the .NET library that apps beside ours may use.</summary>
public sealed class ParquetNetTests
{
    public static TheoryData<string> SettingsNames => ParquetReadersTests.SettingsNames;

    [Theory]
    [MemberData(nameof(SettingsNames))]
    public async Task Parquet_Net_reads_every_type_as_it_was_written(string name)
    {
        var settings = ParquetReadersTests.Settings[name];
        var (path, columns, batches) = await ParquetReadersTests.WriteSampleAsync(settings, seed: 13);

        await using var reader = await ParquetReader.CreateAsync(path, new ParquetOptions { UseBigDecimal = true, UseDateOnlyTypeForDates = true });

        Assert.Equal(columns.Length, reader.Schema.DataFields.Length);
        for (var i = 0; i < columns.Length; i++)
        {
            var column = columns[i];
            var field = reader.Schema.DataFields[i];
            Assert.Equal((column.Name, column.FieldId), (field.Name, field.SchemaElement?.FieldId));
            if (settings.AllowDeltaEncodings && !ReadsDelta(column.Type))
            {
                var refusal = await Assert.ThrowsAsync<NotSupportedException>(() => ReadAsync(reader, field));
                Assert.Contains("is not supported in DELTA_BINARY_PACKED", refusal.Message, StringComparison.Ordinal);
                continue;
            }
            // It gives times as DateTime, which has no nanoseconds.
            if (column.Type is ParquetType.TimestampNs or ParquetType.TimestampTzNs) continue;
            var found = await ReadAsync(reader, field);
            var expected = batches.SelectMany(batch => Values(batch[i], column.Type is ParquetType.Time)).ToArray();
            Assert.Equal(expected.Length, found.Count);
            for (var row = 0; row < expected.Length; row++)
                Assert.True(expected[row] == found[row], $"{column.Type}, row {row}: expected {expected[row] ?? "NULL"}, found {found[row] ?? "NULL"}");
        }
    }

    /// <summary>Version 6.1.0 lacks this encoding for days, timestamps and decimals of up to 18 digits, which are numbers in the file. It is off by default, and no definition turns it on.</summary>
    private static bool ReadsDelta(ParquetType type) => type is not (ParquetType.Decimal { Precision: <= 18 } or ParquetType.Date or ParquetType.Timestamp or ParquetType.TimestampTz or ParquetType.TimestampNs or ParquetType.TimestampTzNs);

    /// <summary>The values of a column over all row groups, in the form of <see cref="Values"/>.</summary>
    private static async Task<List<string?>> ReadAsync(ParquetReader reader, DataField field)
    {
        var values = new List<string?>();
        for (var number = 0; number < reader.RowGroupCount; number++)
        {
            using var group = reader.OpenRowGroupReader(number);
            values.AddRange(await ReadAsync(group, field));
        }
        return values;
    }

    private static async Task<string?[]> ReadAsync(ParquetRowGroupReader group, DataField field)
    {
        if (field.ClrType == typeof(ReadOnlyMemory<char>))
        {
            var texts = new string?[group.RowCount];
            await group.ReadAsync(field, texts.AsMemory()!);
            return [.. texts.Select(text => text is null ? null : Convert.ToHexString(Encoding.UTF8.GetBytes(text)))];
        }
        if (field.ClrType == typeof(ReadOnlyMemory<byte>))
        {
            var binaries = new byte[]?[group.RowCount];
            await group.ReadAsync(field, binaries.AsMemory()!);
            return [.. binaries.Select(bytes => bytes is null ? null : Convert.ToHexString(bytes))];
        }
        if (field.ClrType == typeof(bool)) return await ReadAsync<bool>(group, field, value => value ? "1" : "0");
        if (field.ClrType == typeof(int)) return await ReadAsync<int>(group, field, value => value.ToString(CultureInfo.InvariantCulture));
        if (field.ClrType == typeof(long)) return await ReadAsync<long>(group, field, value => value.ToString(CultureInfo.InvariantCulture));
        if (field.ClrType == typeof(float)) return await ReadAsync<float>(group, field, value => BitConverter.SingleToInt32Bits(value).ToString("x", CultureInfo.InvariantCulture));
        if (field.ClrType == typeof(double)) return await ReadAsync<double>(group, field, value => BitConverter.DoubleToInt64Bits(value).ToString("x", CultureInfo.InvariantCulture));
        if (field.ClrType == typeof(BigDecimal)) return await ReadAsync<BigDecimal>(group, field, value => value.UnscaledValue.ToString(CultureInfo.InvariantCulture));
        if (field.ClrType == typeof(DateOnly)) return await ReadAsync<DateOnly>(group, field, value => (value.DayNumber - DateOnly.FromDateTime(DateTime.UnixEpoch).DayNumber).ToString(CultureInfo.InvariantCulture));
        if (field.ClrType == typeof(TimeSpan)) return await ReadAsync<TimeSpan>(group, field, value => (value.Ticks / TimeSpan.TicksPerMicrosecond).ToString(CultureInfo.InvariantCulture));
        if (field.ClrType == typeof(TimeOnly)) return await ReadAsync<TimeOnly>(group, field, value => (value.Ticks / TimeSpan.TicksPerMicrosecond).ToString(CultureInfo.InvariantCulture));
        if (field.ClrType == typeof(DateTime)) return await ReadAsync<DateTime>(group, field, value => ((value.Ticks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerMicrosecond).ToString(CultureInfo.InvariantCulture));
        if (field.ClrType == typeof(Guid)) return await ReadAsync<Guid>(group, field, value => Convert.ToHexString(value.ToByteArray(bigEndian: true)));
        throw new NotSupportedException($"Parquet.Net reads {field.Name} as {field.ClrType}.");
    }

    private static async Task<string?[]> ReadAsync<T>(ParquetRowGroupReader group, DataField field, Func<T, string> text) where T : struct
    {
        var values = new T?[group.RowCount];
        await group.ReadAsync(field, values.AsMemory());
        return [.. values.Select(value => value is { } present ? text(present) : null)];
    }
}
