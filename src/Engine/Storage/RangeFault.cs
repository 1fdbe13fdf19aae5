namespace Matih.Storage;

/// <summary>What every store says when a range of an object is asked for that is not there.</summary>
public static class RangeFault
{
    public static StoreException Absent(string location, Exception? cause = null) => new(StoreFailureKind.Absent, location, $"There is no {location}.", cause);

    public static StoreException BeyondEnd(string location, long lengthBytes, long offset, int count) => new(
        StoreFailureKind.Refused, location, $"{location} has {Quantity.Of(lengthBytes, "byte")}; bytes {offset} to {offset + count} were asked for.");
}
