using System.Collections.Immutable;
using Matih.Batches;
using Matih.Parquet;
using Matih.Parquet.Writing;
using static Matih.Engine.Tests.Parquet.ParquetSamples;

namespace Matih.Engine.Tests.Parquet;

public sealed class ParquetFileAssemblyTests
{
    [Fact]
    public async Task Row_groups_of_several_encoders_make_one_file()
    {
        var account = new MemoryAccount(1);
        var random = new Random(1);
        ImmutableArray<ParquetColumn> columns = [.. Columns([.. AllTypes])];
        int[] map = [.. Enumerable.Range(0, columns.Length)];
        var settings = ParquetWriterSettings.Default;
        var batches = Enumerable.Range(0, 5).Select(_ => random.Next(700, 3000))
            .Select(rows => Batch([.. AllTypes.Select(type => RandomColumn(type, rows, 0.1, 500, random))])).ToList();
        var encoders = new[] { new RowGroupEncoder(columns, settings, account), new RowGroupEncoder(columns, settings, account) };
        var assembly = new ParquetFileAssembly(columns, settings);
        var file = new MemoryStream();
        file.Write(ParquetFileAssembly.Magic.Span);
        for (var i = 0; i < batches.Count; i++)
        {
            var encoder = encoders[i % 2];
            encoder.Check(batches[i], map, new RowSelection(0, batches[i].Count), 0);
            encoder.Append(batches[i], map, new RowSelection(0, batches[i].Count));
            using var group = encoder.Finish();
            assembly.Add(group);
            await group.Bytes.DrainAsync((bytes, _) => file.WriteAsync(bytes), default);
        }
        using (var footer = new PooledBuffer(new BufferLedger(account)))
        {
            var summary = assembly.Finish(footer);
            file.Write(footer.Written);
            Assert.Equal((file.Length, batches.Sum(batch => (long)batch.Count)), (summary.LengthBytes, summary.RowCount));
        }
        foreach (var encoder in encoders) encoder.Dispose();

        // One encoder that cuts row groups at the same rows is the oracle: same values, same figures.
        using var writer = new ParquetFileWriter(columns, settings, MemoryAccount.Unlimited());
        foreach (var batch in batches)
        {
            writer.Append(batch, map);
            writer.FlushRowGroup();
        }
        var expected = Finish(writer);
        var reader = new ParquetFileReader(file.ToArray());
        Assert.Equal(5, reader.Metadata.RowGroups.Length);
        for (var i = 0; i < columns.Length; i++) Assert.Equal(ReadValues(expected.File, i), ReadValues(file.ToArray(), i));
        Assert.Equal(0, account.UsedBytes);
    }
}
