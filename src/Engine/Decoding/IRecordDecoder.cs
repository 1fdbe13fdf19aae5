using Matih.Batches;

namespace Matih.Decoding;

/// <summary>Turns raw records into typed columns. Not thread-safe: one decoder to a lane.</summary>
public interface IRecordDecoder : IDisposable
{
    /// <summary>The columns, in the order of the input columns that the decoder was made for.</summary>
    RowType Type { get; }

    /// <summary>Fetches what a batch's records need from elsewhere, such as their writers' schemas. To be called before <see cref="Decode"/>.</summary>
    /// <param name="errors">As for <see cref="Decode"/>; nothing is left out here.</param>
    ValueTask PrepareAsync(RawBatch batch, RowErrors errors, CancellationToken cancellationToken) => ValueTask.CompletedTask;

    /// <summary>
    /// Decodes a batch into exactly as many rows. Rows that are left out hold NULLs in every column: those that
    /// <paramref name="errors"/> excludes beforehand, which are not looked at, and those that decoding rejects or drops there.
    /// </summary>
    /// <param name="errors">Cleared by the caller for a batch of this size.</param>
    /// <returns>Columns that belong to the decoder and stay valid until the next call.</returns>
    ColumnBatch Decode(RawBatch batch, RowErrors errors);
}
