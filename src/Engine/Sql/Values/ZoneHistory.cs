using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace Matih.Sql.Values;

/// <summary>
/// The changes of a zone's offset from the system's time zone files, to the second: <see cref="TimeZoneInfo"/> knows offsets to
/// the minute, and before zones had whole minutes (Liberia until 1972) its local times are wrong by seconds. Immutable.
/// </summary>
/// <remarks>Source: RFC 8536, "The Time Zone Information Format (TZif)", versions 2 and later.</remarks>
internal sealed class ZoneHistory
{
    private const string Folder = "/usr/share/zoneinfo";
    private const int HeaderBytes = 44;

    private static readonly ConditionalWeakTable<TimeZoneInfo, ZoneHistory> Known = [];

    private readonly long[] _changes;
    private readonly int[] _offsets;

    /// <param name="offsets">The offset before the first change, then that after each.</param>
    private ZoneHistory(long[] changes, int[] offsets) => (_changes, _offsets) = (changes, offsets);

    /// <summary>The zone's history; one without changes where the system has no file of it, as for zones that are no regions.</summary>
    public static ZoneHistory Of(TimeZoneInfo zone) => Known.GetValue(zone, static asked => Load(asked.Id));

    /// <summary>Seconds to add to UTC at an instant; null after the last change that is listed, where whole minutes are enough.</summary>
    public int? OffsetAt(long instantSeconds)
    {
        if (_changes.Length == 0 || instantSeconds >= _changes[^1]) return null;
        var index = Array.BinarySearch(_changes, instantSeconds);
        return _offsets[index >= 0 ? index + 1 : ~index];
    }

    private static ZoneHistory Load(string id)
    {
        var path = Path.Combine(Folder, id);
        try
        {
            return File.Exists(path) && Parse(File.ReadAllBytes(path)) is { } history ? history : new ZoneHistory([], []);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return new ZoneHistory([], []);
        }
    }

    /// <summary>Null where the bytes are no such file.</summary>
    internal static ZoneHistory? Parse(ReadOnlySpan<byte> file)
    {
        if (!TryReadHeader(file, out var first) || first.Version < (byte)'2') return null;
        // The first block has 32-bit times, the second one 64-bit times.
        var second = HeaderBytes + first.DataBytes(timeBytes: 4);
        if (second > file.Length || !TryReadHeader(file[second..], out var header)) return null;
        var data = file[(second + HeaderBytes)..];
        if (data.Length < header.DataBytes(timeBytes: 8) || header.TypeCount == 0) return null;
        var kinds = data[(header.TimeCount * 8)..];
        var types = kinds[header.TimeCount..];
        var changes = new long[header.TimeCount];
        var offsets = new int[header.TimeCount + 1];
        offsets[0] = BinaryPrimitives.ReadInt32BigEndian(types);
        for (var i = 0; i < changes.Length; i++)
        {
            if (kinds[i] >= header.TypeCount) return null;
            changes[i] = BinaryPrimitives.ReadInt64BigEndian(data[(i * 8)..]);
            offsets[i + 1] = BinaryPrimitives.ReadInt32BigEndian(types[(kinds[i] * 6)..]);
        }
        return new ZoneHistory(changes, offsets);
    }

    private static bool TryReadHeader(ReadOnlySpan<byte> file, out Header header)
    {
        header = default;
        if (file.Length < HeaderBytes || !file.StartsWith("TZif"u8)) return false;
        header = new Header(file[4], Count(file, 20), Count(file, 24), Count(file, 28), Count(file, 32), Count(file, 36), Count(file, 40));
        return true;

        static int Count(ReadOnlySpan<byte> file, int at) => (int)Math.Min(BinaryPrimitives.ReadUInt32BigEndian(file[at..]), 100_000);
    }

    private readonly record struct Header(byte Version, int UtcCount, int StandardCount, int LeapCount, int TimeCount, int TypeCount, int NameBytes)
    {
        public int DataBytes(int timeBytes) => TimeCount * (timeBytes + 1) + TypeCount * 6 + NameBytes + LeapCount * (timeBytes + 4) + StandardCount + UtcCount;
    }
}
