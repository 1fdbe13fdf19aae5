namespace Matih.Batches;

/// <summary>A column of ROW values: one column for each field, of as many rows as this one.</summary>
/// <remarks>In a NULL row all fields are NULL.</remarks>
internal sealed class RowColumn : Column
{
    private readonly Column[] _fields;

    public RowColumn(DataType.Row type, MemoryAccount account) : base(type, account)
    {
        RowType = type.Type;
        _fields = [.. type.Type.Fields.Select(field => Create(field.Type, account))];
    }

    public RowType RowType { get; }

    public ReadOnlySpan<Column> Fields => _fields;

    /// <summary>Makes the values that were appended to each field one row.</summary>
    public void EndRow()
    {
        NoteValid();
        Count++;
    }

    /// <summary>Makes the values that were appended to each field rows.</summary>
    /// <param name="validity">Empty for "no NULLs", else one byte a row.</param>
    public void EndRows(int count, ReadOnlySpan<byte> validity)
    {
        NoteRange(validity, count);
        Count += count;
    }

    internal override void AppendNull()
    {
        foreach (var field in _fields) field.AppendNull();
        EndNull();
    }

    /// <summary>Makes the NULLs that were appended to each field one NULL row.</summary>
    public void EndNull()
    {
        NoteNull();
        Count++;
    }

    internal override void Clear()
    {
        Count = 0;
        NullCount = 0;
        foreach (var field in _fields) field.Clear();
    }

    internal override void Truncate(int count)
    {
        foreach (var field in _fields) field.Truncate(count);
        ForgetFrom(count);
    }

    internal override void AppendRows(Column source, ReadOnlySpan<int> rows)
    {
        var from = (RowColumn)source;
        for (var i = 0; i < _fields.Length; i++) _fields[i].AppendRows(from._fields[i], rows);
        if (from.NullCount == 0)
        {
            EndRows(rows.Length, default);
            return;
        }
        foreach (var row in rows)
        {
            if (from.IsNull(row)) EndNull();
            else EndRow();
        }
    }

    internal override void AppendRange(Column source, int start, int count)
    {
        var from = (RowColumn)source;
        for (var i = 0; i < _fields.Length; i++) _fields[i].AppendRange(from._fields[i], start, count);
        EndRows(count, from.NullCount == 0 ? default : from.Validity.Slice(start, count));
    }

    internal override long BufferBytes
    {
        get
        {
            long bytes = ValidityBytes.Length;
            foreach (var part in _fields) bytes += part.BufferBytes;
            return bytes;
        }
    }

    internal override long UsedBytes
    {
        get
        {
            long bytes = 0;
            foreach (var part in _fields) bytes += part.UsedBytes;
            return bytes;
        }
    }

    private protected override long ValueImageBytes
    {
        get
        {
            long bytes = 0;
            foreach (var part in _fields) bytes += part.ImageBytes;
            return bytes;
        }
    }

    private protected override void WriteValues(Span<byte> target)
    {
        foreach (var field in _fields)
        {
            var length = field.ImageBytes;
            field.WriteImage(target[..length]);
            target = target[length..];
        }
    }

    private protected override int AppendValues(ReadOnlySpan<byte> source, int count, ReadOnlySpan<byte> validity)
    {
        var length = 0;
        foreach (var field in _fields) length += field.AppendImage(source[length..]);
        EndRows(count, validity);
        return length;
    }

    private protected override void ReleaseBuffers()
    {
        foreach (var field in _fields) field.Release();
        ValidityBytes = [];
        Count = 0;
        NullCount = 0;
    }
}
