namespace Matih.Storage;

/// <summary>The spellings of a local location: <c>/abs</c>, <c>file:/abs</c> and <c>file:///abs</c>.</summary>
/// <remarks>
/// Percent signs are ordinary characters, as in Hadoop's and PyIceberg's reading of locations: Iceberg writers put
/// URL-encoded partition values into folder names, and these stand in the file system as written.
/// </remarks>
internal static class LocalPath
{
    private const string Scheme = "file:";

    /// <summary>The absolute path in the file system.</summary>
    /// <exception cref="StoreException">The location is relative, of another scheme or host, or holds a NUL character.</exception>
    public static string Of(string location) => Find(location)
        ?? throw new StoreException(StoreFailureKind.Refused, location, $"'{location}' is not a location on the local disk. Expected an absolute path, or file:/// and an absolute path.");

    /// <summary>One spelling for all that name the same place; a location that is not on the local disk stays as it is.</summary>
    public static string Plain(string location) => Find(location) is { } path ? Path.GetFullPath(path) : location;

    /// <summary>The same for locations that symbolic links lead to. Asks the file system.</summary>
    public static string Real(string location)
    {
        var real = Plain(location);
        if (!Path.IsPathFullyQualified(real)) return location;
        var parts = real.Split('/', StringSplitOptions.RemoveEmptyEntries);
        real = "/";
        foreach (var part in parts)
        {
            var folder = new DirectoryInfo(Path.Combine(real, part));
            real = folder.LinkTarget is null ? folder.FullName : Real(folder.ResolveLinkTarget(returnFinalTarget: true)!.FullName);
        }
        return real;
    }

    private static string? Find(string location)
    {
        var path = location;
        if (path.StartsWith(Scheme, StringComparison.OrdinalIgnoreCase))
        {
            path = path[Scheme.Length..];
            if (path.StartsWith("//localhost/", StringComparison.OrdinalIgnoreCase)) path = path["//localhost".Length..];
            else if (path.StartsWith("//", StringComparison.Ordinal)) path = path[2..];
        }
        return path.Contains('\0', StringComparison.Ordinal) || !Path.IsPathFullyQualified(path) ? null : path;
    }
}
