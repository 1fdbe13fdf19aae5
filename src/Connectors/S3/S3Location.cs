using Matih.Storage;

namespace Matih.Connectors.S3;

/// <summary>A place in S3: <c>s3://bucket/key</c>, also spelled <c>s3a://</c> and <c>s3n://</c>. A key is taken as it is: nothing in it is decoded.</summary>
/// <param name="Text">The location as the caller spells it.</param>
/// <param name="Key">May be empty or end with a slash where it is a prefix.</param>
internal readonly record struct S3Location(string Text, string Bucket, string Key)
{
    /// <summary>What stands before the key.</summary>
    public string Root => Text[..(Text.Length - Key.Length)];

    /// <exception cref="StoreException">It is no object's location.</exception>
    public static S3Location OfObject(string location)
    {
        var parsed = OfPrefix(location);
        if (parsed.Key.Length == 0) throw Refused(location);
        // HTTP clients resolve these away and would reach another object.
        foreach (var segment in parsed.Key.Split('/'))
        {
            if (segment is "." or "..")
                throw new StoreException(StoreFailureKind.Refused, location, $"'{location}' has '{segment}' as a folder, which no HTTP client can ask S3 for. Use another name.");
        }
        return parsed;
    }

    /// <exception cref="StoreException">It names no bucket.</exception>
    public static S3Location OfPrefix(string location)
    {
        if (StoreLocation.KindOf(location) != StoreKind.S3) throw Refused(location);
        var start = location.IndexOf("://", StringComparison.Ordinal) + 3;
        var slash = location.IndexOf('/', start);
        if (slash < 0) throw Refused(location);
        var bucket = location[start..slash];
        if (bucket.Length == 0 || !bucket.All(letter => char.IsAsciiLetterOrDigit(letter) || letter is '.' or '-' or '_')) throw Refused(location);
        return new(location, bucket, location[(slash + 1)..]);
    }

    private static StoreException Refused(string location)
    {
        // Hadoop's clients once took keys before the bucket: s3n://KEY:SECRET@bucket/key. A secret may hold slashes.
        var at = location.LastIndexOf('@');
        var start = StoreLocation.KindOf(location) == StoreKind.S3 ? location.IndexOf("://", StringComparison.Ordinal) + 3 : 0;
        var shown = at < 0 ? location : $"{location[..start]}***{location[at..]}";
        return new(StoreFailureKind.Refused, shown, $"'{shown}' is not a location in S3. Expected s3://bucket/key.");
    }
}
