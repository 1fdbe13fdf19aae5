using System.Runtime.CompilerServices;
using Matih.Batches;
using Matih.Json;

namespace Matih.Decoding;

/// <summary>
/// Some consecutive rows of a batch between reading and filling: where each document has the values that the fields want.
/// Documents are read a chunk at a time and then turned into columns field by field, so that the loops stay tight while
/// the documents are still in the cache.
/// </summary>
internal sealed class JsonChunk(IReadOnlyList<JsonField> fields, bool allowTrailingText)
{
    /// <summary>Documents of some hundred bytes and their matches stay in a 48 KiB cache.</summary>
    public const int RowsMax = 128;

    private readonly byte[] _isLive = new byte[RowsMax];
    private readonly (string Reason, string Kind)?[] _failures = new (string Reason, string Kind)?[RowsMax];
    private RawBatch? _batch;
    private int _firstRow;

    public JsonPathExtractor Extractor { get; } = new([.. fields.Select(field => field.Path)], allowTrailingText, isPlain: false, RowsMax);

    public int Count { get; private set; }

    /// <summary>Rows that have a document, counted at each call.</summary>
    public int CountLive() => _isLive.AsSpan(0, Count).Count((byte)1);

    /// <summary>Whether some row's value did not convert since <see cref="Begin"/>.</summary>
    public bool HasFailures { get; private set; }

    public void Begin(RawBatch batch, int firstRow)
    {
        _batch = batch;
        _firstRow = firstRow;
        Count = 0;
        HasFailures = false;
    }

    /// <summary>Reads a document as the next row; false where it is not a valid one. <see cref="Add"/> keeps it.</summary>
    public bool TryRead(ReadOnlySpan<byte> document) => Extractor.ExtractRow(document, Count);

    /// <summary>Keeps the row that was read last.</summary>
    public void Add() => _isLive[Count++] = 1;

    /// <summary>Adds a row whose fields are all NULL.</summary>
    public void AddNull()
    {
        Extractor.ClearRow(Count);
        _isLive[Count++] = 0;
    }

    /// <summary>The text that a match of a row lies in.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ReadOnlySpan<byte> Document(int index) => _batch!.Value(_firstRow + index);

    /// <summary>Notes why a row must be rejected; the first reason counts.</summary>
    /// <param name="kind">What other rows with the same fault have in common; null where the reason is that.</param>
    public void Fail(int index, string reason, string? kind = null)
    {
        if (_isLive[index] == 0) return;
        _failures[index] ??= (reason, kind ?? reason);
        HasFailures = true;
    }

    /// <summary>Rejects the rows that failed, in order, and makes their fields NULL.</summary>
    public void RejectFailed(RowErrors errors)
    {
        for (var index = 0; index < Count; index++)
        {
            if (_failures[index] is not var (reason, kind)) continue;
            errors.Reject(_firstRow + index, reason, kind);
            Extractor.ClearRow(index);
            _isLive[index] = 0;
            _failures[index] = null;
        }
        HasFailures = false;
    }
}
