using Matih.Batches;
using Matih.Parquet;
using static Matih.Engine.Tests.Parquet.ParquetSamples;

namespace Matih.Engine.Tests.Parquet;

public sealed class ParquetFileReaderTests
{
    private static byte[] SampleFile(int seed, int rows = 300)
    {
        var random = new Random(seed);
        var settings = new ParquetWriterSettings { Compression = (ParquetCompression)(seed % 3), PageRowCountMax = 100, AllowDeltaEncodings = seed % 2 == 0 };
        return Write(Columns([.. AllTypes]), settings, Batch([.. AllTypes.Select(type => RandomColumn(type, rows, 0.2, 50, random))])).File;
    }

    [Fact]
    public async Task A_footer_is_read_without_the_data()
    {
        var file = SampleFile(1, 30_000);
        var readBytes = 0;

        var metadata = await ParquetFileReader.ReadMetadataAsync(
            file.Length,
            (offset, count, _) =>
            {
                readBytes += count;
                return ValueTask.FromResult(file.AsSpan((int)offset, count).ToArray());
            },
            CancellationToken.None);

        Assert.Equal(30_000, metadata.RowCount);
        Assert.True(readBytes <= 64 << 10);
        Assert.Equal(AllTypes, metadata.Columns.Select(column => column.Type));
    }

    [Fact]
    public async Task A_footer_longer_than_the_first_read_is_read_with_a_second()
    {
        var settings = new ParquetWriterSettings { KeyValues = [new("long", new string('x', 200_000))] };
        var file = Write(Columns(new ParquetType.Int()), settings).File;

        var metadata = await ParquetFileReader.ReadMetadataAsync(
            file.Length, (offset, count, _) => ValueTask.FromResult(file.AsSpan((int)offset, count).ToArray()), CancellationToken.None);

        Assert.Equal(200_000, metadata.KeyValues[0].Value.Length);
    }

    public static TheoryData<int> Seeds => [.. Enumerable.Range(1, 12)];

    [Theory]
    [MemberData(nameof(Seeds))]
    public void Damage_is_an_error_or_harmless_and_nothing_worse(int seed)
    {
        var file = SampleFile(seed);
        var random = new Random(seed);
        for (var round = 0; round < 300; round++)
        {
            var damaged = file.ToArray();
            for (var flips = random.Next(1, 4); flips > 0; flips--) damaged[random.Next(damaged.Length)] = (byte)random.Next(256);
            if (random.Next(5) == 0) damaged = damaged[..random.Next(damaged.Length)];
            try
            {
                ReadAll(damaged);
            }
            catch (Exception e) when (e is InvalidDataException or NotSupportedException)
            {
                continue;
            }
            catch (Exception e)
            {
                Assert.Fail($"seed {seed}, round {round}: {e}");
            }
        }
    }

    private static void ReadAll(byte[] file)
    {
        var reader = new ParquetFileReader(file);
        for (var i = 0; i < reader.Metadata.Columns.Length; i++) reader.ReadColumn(i, MemoryAccount.Unlimited()).Dispose();
    }

    [Theory]
    [InlineData("")]
    [InlineData("PAR1")]
    [InlineData("PAR1PAR1")]
    [InlineData("not a Parquet file at all")]
    public void What_is_no_parquet_file_is_refused(string content) =>
        Assert.Throws<InvalidDataException>(() => new ParquetFileReader(System.Text.Encoding.ASCII.GetBytes(content)));

    [Fact]
    public void An_encrypted_file_is_refused_as_such() =>
        Assert.Throws<NotSupportedException>(() => new ParquetFileReader("PAR1\0\0\0\0\0\0\0\0PARE"u8.ToArray()));

    [Fact]
    public void A_target_of_another_type_is_refused()
    {
        var reader = new ParquetFileReader(SampleFile(1));
        using var target = new FixedColumn<int>(new DataType.Int(), MemoryAccount.Unlimited());

        Assert.Throws<ArgumentException>(() => reader.ReadColumn(0, 0, target));
    }
}
