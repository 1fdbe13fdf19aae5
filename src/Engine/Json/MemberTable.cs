using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Text;

namespace Matih.Json;

/// <summary>A member name of one object, with the member that followed it last time.</summary>
internal sealed class MemberEntry
{
    private const int PatternWidth = 32;

    private readonly byte[] _text;
    private readonly Vector256<byte> _pattern;
    private readonly uint _mask;

    public MemberEntry(ReadOnlySpan<byte> name, PathNode? child)
    {
        _text = [(byte)'"', .. name, (byte)'"', (byte)':'];
        Child = child;
        TextLength = _text.Length;
        Span<byte> pattern = stackalloc byte[PatternWidth];
        pattern.Clear();
        if (_text.Length > PatternWidth) return;
        _text.CopyTo(pattern);
        _pattern = Vector256.Create(pattern);
        _mask = (uint)((1UL << _text.Length) - 1);
    }

    /// <summary>The place that the member is, or null where no path speaks of it.</summary>
    public PathNode? Child { get; }

    /// <summary>The member that came next when this one was last met.</summary>
    public MemberEntry? Next { get; set; }

    /// <summary>Length of the member's text with quotes and colon.</summary>
    public int TextLength { get; }

    public ReadOnlySpan<byte> Name => _text.AsSpan(1, _text.Length - 3);

    /// <summary>Whether the member's name, quotes and colon stand here, without white space between them.</summary>
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    public unsafe bool StandsAt(byte* at, byte* end)
    {
        if (end - at >= PatternWidth && _mask != 0)
            return (~Vector256.Equals(Vector256.Load(at), _pattern).ExtractMostSignificantBits() & _mask) == 0;
        return StandsAtPlain(at, end);
    }

    private unsafe bool StandsAtPlain(byte* at, byte* end) =>
        end - at >= _text.Length && new ReadOnlySpan<byte>(at, _text.Length).SequenceEqual(_text);
}

/// <summary>
/// The member names of one object that paths speak of, and others that documents were seen to have: producers write
/// members in the same order again and again, so that the next name is mostly known before it is read.
/// </summary>
/// <remarks>Others are remembered up to a limit, since objects used as maps have ever new names.</remarks>
internal sealed class MemberTable
{
    private const int LearntMax = 256;

    private readonly List<PathNode> _children = [];
    private MemberEntry?[] _slots = new MemberEntry?[16];
    private int _count;

    /// <summary>How many names were learnt from documents.</summary>
    public int LearntCount { get; private set; }

    /// <summary>Stands before the first member: its <see cref="MemberEntry.Next"/> is the member that objects begin with.</summary>
    public MemberEntry Head { get; } = new([], null);

    public IReadOnlyList<PathNode> Children => _children;

    public PathNode Require(ReadOnlySpan<byte> name)
    {
        if (Find(name) is { } known) return known.Child!;
        var child = new PathNode();
        _children.Add(child);
        Add(new MemberEntry(name, child));
        return child;
    }

    /// <summary>The entry for a name, or null where it is not known.</summary>
    public MemberEntry? Find(ReadOnlySpan<byte> name)
    {
        var mask = _slots.Length - 1;
        for (var i = (int)Hash(name) & mask; _slots[i] is { } entry; i = (i + 1) & mask)
            if (entry.Name.SequenceEqual(name)) return entry;
        return null;
    }

    /// <summary>The entry for a name met in a document, remembered for the next; null past the limit.</summary>
    /// <param name="name">Plain ASCII without escapes: what matches it later needs no validation.</param>
    public MemberEntry? FindOrLearn(ReadOnlySpan<byte> name)
    {
        if (Find(name) is { } known) return known;
        if (LearntCount == LearntMax || name.Length > 64) return null;
        LearntCount++;
        var entry = new MemberEntry(name, null);
        Add(entry);
        return entry;
    }

    /// <summary>The names that were learnt from documents.</summary>
    public IEnumerable<string> LearntNames() => _slots.Where(entry => entry is { Child: null }).Select(entry => Encoding.UTF8.GetString(entry!.Name));

    private void Add(MemberEntry entry)
    {
        if (++_count * 2 > _slots.Length)
        {
            var old = _slots;
            _slots = new MemberEntry?[old.Length * 2];
            foreach (var moved in old)
                if (moved is not null) Place(moved);
        }
        Place(entry);
    }

    private void Place(MemberEntry entry)
    {
        var mask = _slots.Length - 1;
        var i = (int)Hash(entry.Name) & mask;
        while (_slots[i] is not null) i = (i + 1) & mask;
        _slots[i] = entry;
    }

    /// <summary>Length, first and last bytes: enough to tell the names of one object apart.</summary>
    private static uint Hash(ReadOnlySpan<byte> name)
    {
        ulong mixed = (uint)name.Length;
        if (name.Length >= 8)
        {
            mixed = (mixed ^ MemoryMarshal.Read<ulong>(name)) * 0x9E3779B97F4A7C15;
            mixed ^= BitOperations.RotateLeft(MemoryMarshal.Read<ulong>(name[^8..]), 29);
        }
        else
        {
            foreach (var b in name) mixed = mixed << 8 | b;
        }
        return (uint)(mixed * 0xD6E8FEB86659FD93 >> 32);
    }
}
