using System.Numerics;

namespace Matih.Parquet.Writing;

/// <summary>Smallest and greatest of the values noted; NaN counts as no value.</summary>
internal struct NumberBounds<T, TOps> where T : unmanaged where TOps : struct, INumberOps<T>
{
    public bool HasValue { get; private set; }
    public T Min { get; private set; }
    public T Max { get; private set; }

    public void Note(ReadOnlySpan<T> values)
    {
        if (Vector<T>.IsSupported && values.Length >= 2 * Vector<T>.Count && (!TOps.HasNaN || TOps.CountNaN(values) == 0))
        {
            NoteVectors(values);
            return;
        }
        foreach (var value in values)
        {
            if (TOps.HasNaN && TOps.CountNaN([value]) != 0) continue;
            Note(value, value);
        }
    }

    private void NoteVectors(ReadOnlySpan<T> values)
    {
        var min = new Vector<T>(values);
        var max = min;
        var at = Vector<T>.Count;
        for (; at + Vector<T>.Count <= values.Length; at += Vector<T>.Count)
        {
            var vector = new Vector<T>(values[at..]);
            min = Vector.Min(min, vector);
            max = Vector.Max(max, vector);
        }
        // The last vector overlaps the one before, which does not matter here.
        var last = new Vector<T>(values[^Vector<T>.Count..]);
        min = Vector.Min(min, last);
        max = Vector.Max(max, last);
        for (var i = 0; i < Vector<T>.Count; i++) Note(min[i], max[i]);
    }

    private void Note(T min, T max)
    {
        if (!HasValue || TOps.IsLess(min, Min)) Min = min;
        if (!HasValue || TOps.IsLess(Max, max)) Max = max;
        HasValue = true;
    }
}
