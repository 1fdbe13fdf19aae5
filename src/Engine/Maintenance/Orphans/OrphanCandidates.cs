using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Matih.Storage;

namespace Matih.Maintenance.Orphans;

/// <summary>
/// The files that may be orphans, less what turned out to be needed. It keeps 16 bytes of each, a hash of its place, since a
/// table may have millions of files: where two had the same hash, both would stay.
/// </summary>
internal sealed class OrphanCandidates
{
    private readonly HashSet<UInt128> _places = [];
    private readonly HashSet<UInt128> _namesElsewhere = [];

    public int Count => _places.Count;

    /// <param name="place">In its plain spelling, as everywhere here.</param>
    public void Add(string place) => _places.Add(Hash(place));

    public bool Contains(string place) => _places.Contains(Hash(place));

    /// <summary>The file stays, whatever spelling names it.</summary>
    public void Keep(string location)
    {
        var place = StoreLocation.Plain(location);
        if (!_places.Remove(Hash(place))) _namesElsewhere.Add(Hash(OrphanFolders.NameOf(place)));
    }

    /// <summary>
    /// Whether something needed has the file's name, and was not found at its own place: that may be this very file, reached by a
    /// link, an access point or a spelling which is not known here. Names of data files hold a UUID.
    /// </summary>
    public bool IsNamedElsewhere(string place) => _namesElsewhere.Contains(Hash(OrphanFolders.NameOf(place)));

    private static UInt128 Hash(string text)
    {
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        SHA256.HashData(Encoding.UTF8.GetBytes(text), hash);
        return BinaryPrimitives.ReadUInt128LittleEndian(hash);
    }
}
