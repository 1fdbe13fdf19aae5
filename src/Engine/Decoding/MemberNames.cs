using System.Runtime.InteropServices;
using Matih.Json;

namespace Matih.Decoding;

/// <summary>The members of one JSON object that is read as a map, each name once: of duplicates the last value counts, at the first one's place.</summary>
internal sealed class MemberNames
{
    /// <summary>Up to so many names are compared one by one.</summary>
    private const int CompareMax = 8;

    private byte[] _text = new byte[256];
    private int[] _ends = new int[16];
    private int[] _values = new int[16];
    private int[] _slots = [];
    private int _textLength;

    public int Count { get; private set; }

    public ReadOnlySpan<byte> this[int index] => _text.AsSpan(Start(index), _ends[index] - Start(index));

    /// <summary>Where the member's value begins in the object's text.</summary>
    public int ValueOf(int index) => _values[index];

    public void Clear()
    {
        Count = 0;
        _textLength = 0;
    }

    /// <summary>Adds a member; false where the name is there already, whose value then begins here.</summary>
    /// <param name="raw">The name as it stands between its quotes.</param>
    /// <param name="value">Where the value begins.</param>
    public bool Add(ReadOnlySpan<byte> raw, int value)
    {
        if (_text.Length - _textLength < raw.Length) Array.Resize(ref _text, Math.Max(_text.Length * 2, _textLength + raw.Length));
        var target = _text.AsSpan(_textLength);
        var length = raw.Length;
        if (raw.Contains((byte)'\\')) length = JsonText.Unescape(raw, target);
        else raw.CopyTo(target);
        if (Find(target[..length]) is >= 0 and var known)
        {
            _values[known] = value;
            return false;
        }
        if (Count == _ends.Length)
        {
            Array.Resize(ref _ends, Count * 2);
            Array.Resize(ref _values, Count * 2);
        }
        _textLength += length;
        _ends[Count] = _textLength;
        _values[Count++] = value;
        if (Count > CompareMax) Index();
        return true;
    }

    private int Start(int index) => index == 0 ? 0 : _ends[index - 1];

    private int Find(ReadOnlySpan<byte> name)
    {
        if (Count <= CompareMax)
        {
            for (var i = 0; i < Count; i++)
                if (this[i].SequenceEqual(name)) return i;
            return -1;
        }
        for (var slot = SlotOf(name); _slots[slot] != 0; slot = (slot + 1) & (_slots.Length - 1))
            if (this[_slots[slot] - 1].SequenceEqual(name)) return _slots[slot] - 1;
        return -1;
    }

    /// <summary>Enters the last name into the table, which is made where names become too many to compare, or too many for it.</summary>
    private void Index()
    {
        var first = Count - 1;
        if (Count == CompareMax + 1 || Count * 2 > _slots.Length)
        {
            if (Count * 2 > _slots.Length) _slots = new int[Math.Max(64, _slots.Length * 2)];
            else Array.Clear(_slots);
            first = 0;
        }
        for (var i = first; i < Count; i++)
        {
            var slot = SlotOf(this[i]);
            while (_slots[slot] != 0) slot = (slot + 1) & (_slots.Length - 1);
            _slots[slot] = i + 1;
        }
    }

    private int SlotOf(ReadOnlySpan<byte> name)
    {
        var hash = new HashCode();
        hash.AddBytes(name);
        return hash.ToHashCode() & (_slots.Length - 1);
    }
}
