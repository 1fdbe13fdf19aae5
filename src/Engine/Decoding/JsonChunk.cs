using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Matih.Batches;
using Matih.Json;

namespace Matih.Decoding;

/// <summary>
/// Some consecutive rows of a batch between reading and filling: where each document has the values that the fields want.
/// Documents are read a chunk at a time and then turned into columns field by field, so that the loops stay tight while
/// the documents are still in the cache.
/// </summary>
internal sealed unsafe class JsonChunk
{
    /// <summary>Documents of some hundred bytes and their matches stay in a 48 KiB cache.</summary>
    public const int RowsMax = 128;

    private readonly byte[] _isLive = new byte[RowsMax];
    private readonly (string Reason, string Kind)?[] _failures = new (string Reason, string Kind)?[RowsMax];
    private readonly byte*[] _documents = new byte*[RowsMax];
    private readonly int[] _lengths = new int[RowsMax];
    private readonly JsonChunk? _parent;
    private readonly int[] _rowInParent;
    private int _firstRow;
    private int _heldFrom = int.MaxValue;
    private (string Reason, string? Kind)? _held;

    /// <param name="fields">All places that are read.</param>
    /// <param name="parent">For the elements of arrays and the values of maps: the chunk whose documents these are parts of.</param>
    public JsonChunk(IReadOnlyList<JsonField> fields, bool allowTrailingText, JsonChunk? parent = null)
    {
        _parent = parent;
        _rowInParent = parent is null ? [] : new int[RowsMax];
        Extractor = new JsonPathExtractor([.. fields.Select(field => field.Path)], allowTrailingText, isPlain: false, RowsMax, isWithin: parent is not null);
        foreach (var field in fields) field.Elements?.Attach(this);
    }

    public JsonPathExtractor Extractor { get; }

    public int Count { get; private set; }

    /// <summary>Rows that have a document, counted at each call.</summary>
    public int CountLive() => _isLive.AsSpan(0, Count).Count((byte)1);

    /// <summary>Whether some row's value did not convert since <see cref="Begin"/>.</summary>
    public bool HasFailures { get; private set; }

    /// <param name="firstRow">The batch's row that the next document is of.</param>
    public void Begin(int firstRow)
    {
        _firstRow = firstRow;
        Count = 0;
        HasFailures = false;
    }

    /// <summary>Reads a document as the next row; false where it is not a valid one. <see cref="Add"/> keeps it.</summary>
    /// <param name="document">Lies in the memory of a batch, which does not move.</param>
    public bool TryRead(ReadOnlySpan<byte> document)
    {
        _documents[Count] = (byte*)Unsafe.AsPointer(ref MemoryMarshal.GetReference(document));
        _lengths[Count] = document.Length;
        return Extractor.ExtractRow(document, Count);
    }

    /// <summary>Keeps the row that was read last.</summary>
    public void Add() => _isLive[Count++] = 1;

    /// <summary>Keeps the part that was read last, of a document of the parent.</summary>
    public void AddPartOf(int row)
    {
        _rowInParent[Count] = row;
        Add();
    }

    /// <summary>Forgets the parts, which have been turned into values.</summary>
    public void Empty()
    {
        Count = 0;
        if (_heldFrom != int.MaxValue) _heldFrom = 0;
    }

    /// <summary>Keeps to itself why the parts that come now do not convert, until it is known whether they count.</summary>
    public void HoldFailures() => _heldFrom = Count;

    /// <param name="row">The row of the parent that they are parts of; null where they do not count.</param>
    public void EndHolding(int? row)
    {
        if (row is { } whole && _held is var (reason, kind)) _parent!.Fail(whole, reason, kind);
        (_heldFrom, _held) = (int.MaxValue, null);
    }

    /// <summary>Adds a row whose fields are all NULL.</summary>
    public void AddNull()
    {
        Extractor.ClearRow(Count);
        _lengths[Count] = 0;
        _isLive[Count++] = 0;
    }

    /// <summary>The text that a match of a row lies in.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public ReadOnlySpan<byte> Document(int index) => new(_documents[index], _lengths[index]);

    /// <summary>Notes why a row must be rejected; the first reason counts.</summary>
    /// <param name="kind">What other rows with the same fault have in common; null where the reason is that.</param>
    public void Fail(int index, string reason, string? kind = null)
    {
        if (_parent is not null)
        {
            if (index >= _heldFrom) _held ??= (reason, kind);
            else _parent.Fail(_rowInParent[index], reason, kind);
            return;
        }
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
