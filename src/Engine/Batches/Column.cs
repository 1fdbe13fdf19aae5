using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Matih.Batches;

/// <summary>
/// One typed vector of a batch: values and validity. A column is owned by the component that fills it (a decoder, a
/// query), which clears and refills it batch after batch, so that nothing is allocated per record. Not thread-safe.
/// </summary>
/// <remarks>
/// Validity is one byte a row, 1 for a value and 0 for NULL; it exists only where <see cref="NullCount"/> is above 0.
/// The value at a NULL row is unspecified (an empty range in <see cref="BytesColumn"/> and <see cref="ListColumn"/>).
/// </remarks>
public abstract class Column : IDisposable
{
    private protected Column(DataType type, MemoryAccount account)
    {
        Type = type;
        Account = account;
    }

    public DataType Type { get; }

    /// <summary>Number of rows.</summary>
    public int Count { get; private protected set; }

    /// <summary>Number of rows that are NULL.</summary>
    public int NullCount { get; private protected set; }

    private protected MemoryAccount Account { get; }
    private protected byte[] ValidityBytes = [];

    /// <summary><see cref="Count"/> bytes, 1 = value, 0 = NULL; empty where no row is NULL.</summary>
    public ReadOnlySpan<byte> Validity => NullCount == 0 ? default : ValidityBytes.AsSpan(0, Count);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public bool IsNull(int row) => NullCount != 0 && ValidityBytes[row] == 0;

    /// <summary>Forgets all rows and keeps the buffers.</summary>
    internal abstract void Clear();

    /// <summary>Appends a NULL row.</summary>
    internal abstract void AppendNull();

    /// <summary>Takes back the rows from <paramref name="count"/> on: for records that turn out bad after some columns were filled.</summary>
    internal abstract void Truncate(int count);

    /// <summary>Appends rows of another column of the same layout: those at <paramref name="rows"/>, in that order.</summary>
    internal abstract void AppendRows(Column source, ReadOnlySpan<int> rows);

    /// <summary>Appends rows of another column of the same layout: <paramref name="count"/> rows from <paramref name="start"/>.</summary>
    internal abstract void AppendRange(Column source, int start, int count);

    /// <summary>Bytes that the rows take, which is less than their buffers do.</summary>
    internal abstract long UsedBytes { get; }

    /// <summary>Bytes of the column's image: all its rows, for this process to keep elsewhere and to read again.</summary>
    internal int ImageBytes => checked(2 * sizeof(int) + Validity.Length + (int)ValueImageBytes);

    private protected abstract long ValueImageBytes { get; }

    /// <summary>Writes the image, which has exactly the target's bytes.</summary>
    internal void WriteImage(Span<byte> target)
    {
        MemoryMarshal.Write(target, Count);
        MemoryMarshal.Write(target[sizeof(int)..], NullCount);
        target = target[(2 * sizeof(int))..];
        Validity.CopyTo(target);
        WriteValues(target[Validity.Length..]);
    }

    /// <summary>Appends the rows of an image at the source's beginning, and gives its length.</summary>
    internal int AppendImage(ReadOnlySpan<byte> source)
    {
        var count = MemoryMarshal.Read<int>(source);
        var validityBytes = MemoryMarshal.Read<int>(source[sizeof(int)..]) == 0 ? 0 : count;
        var values = source[(2 * sizeof(int) + validityBytes)..];
        return 2 * sizeof(int) + validityBytes + AppendValues(values, count, source.Slice(2 * sizeof(int), validityBytes));
    }

    private protected abstract void WriteValues(Span<byte> target);

    private protected abstract int AppendValues(ReadOnlySpan<byte> source, int count, ReadOnlySpan<byte> validity);

    /// <summary>Bytes that the column's buffers take.</summary>
    internal abstract long BufferBytes { get; }

    public void Dispose()
    {
        Account.Charge(-BufferBytes);
        ReleaseBuffers();
        GC.SuppressFinalize(this);
    }

    /// <summary>Gives the buffers up, which whoever holds this column has taken off the account.</summary>
    internal void Release() => ReleaseBuffers();

    private protected abstract void ReleaseBuffers();

    /// <summary>Records the validity of the row at <see cref="Count"/>, before Count is raised.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private protected void NoteValid()
    {
        if (NullCount != 0) AppendValidity(1);
    }

    private protected void NoteNull()
    {
        if (NullCount == 0) FillValid();
        AppendValidity(0);
        NullCount++;
    }

    /// <summary>Copies the validity of rows appended in bulk at <see cref="Count"/>.</summary>
    private protected void NoteRange(ReadOnlySpan<byte> validity, int count)
    {
        if (validity.IsEmpty && NullCount == 0) return;
        if (NullCount == 0) FillValid();
        EnsureValidity(Count + count);
        var target = ValidityBytes.AsSpan(Count, count);
        if (validity.IsEmpty) target.Fill(1);
        else validity.CopyTo(target);
        NullCount += target.Count((byte)0);
    }

    /// <summary>Forgets rows and their validity.</summary>
    private protected void ForgetFrom(int count)
    {
        if (NullCount != 0) NullCount -= ValidityBytes.AsSpan(count, Count - count).Count((byte)0);
        Count = count;
    }

    private void AppendValidity(byte value)
    {
        if (Count == ValidityBytes.Length) EnsureValidity(Count + 1);
        ValidityBytes[Count] = value;
    }

    private void FillValid()
    {
        EnsureValidity(Count + 1);
        ValidityBytes.AsSpan(0, Count).Fill(1);
    }

    private void EnsureValidity(int rows) => Grow(ref ValidityBytes, rows);

    /// <summary>Grows a buffer to hold at least <paramref name="needed"/> items, at least doubling it, and charges the account.</summary>
    private protected void Grow<T>(ref T[] buffer, long needed) where T : unmanaged
    {
        if (needed <= buffer.Length) return;
        var length = (int)Math.Min(Array.MaxLength, Math.Max(needed, Math.Max(64, buffer.Length * 2L)));
        if (length < needed) ThrowTooLarge(needed);
        Account.Charge((length - buffer.Length) * (long)Unsafe.SizeOf<T>());
        var grown = GC.AllocateUninitializedArray<T>(length);
        buffer.CopyTo(grown, 0);
        buffer = grown;
    }

    private static void ThrowTooLarge(long needed) =>
        throw new InvalidOperationException($"A column buffer would need {needed} items; a batch holds at most {Array.MaxLength}. Lower the batch size.");

    /// <summary>A new empty column for the type.</summary>
    /// <exception cref="NotSupportedException">The type has no column layout: an untyped NULL.</exception>
    public static Column Create(DataType type, MemoryAccount account) => type.Layout switch
    {
        Layout.Byte => new FixedColumn<byte>(type, account),
        Layout.Int32 => new FixedColumn<int>(type, account),
        Layout.Int64 => new FixedColumn<long>(type, account),
        Layout.Int128 => new FixedColumn<Int128>(type, account),
        Layout.Float => new FixedColumn<float>(type, account),
        Layout.Double => new FixedColumn<double>(type, account),
        Layout.Bytes => new BytesColumn(type, account),
        Layout.List => new ListColumn(type, account),
        Layout.Row => new RowColumn((DataType.Row)type, account),
        _ => throw new NotSupportedException($"No column holds {type}."),
    };
}
