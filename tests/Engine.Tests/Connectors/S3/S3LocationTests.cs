using Matih.Connectors.S3;
using Matih.Storage;

namespace Matih.Engine.Tests.Connectors.S3;

public sealed class S3LocationTests
{
    [Theory]
    [InlineData("s3n://AKIA:planted/secret@bucket/key", "s3n://***@bucket/key")]
    [InlineData("s3://AKIA:planted@bucket/key@x", "s3://***@x")]
    [InlineData("s3://AKIA:planted@bucket", "s3://***@bucket")]
    [InlineData("s3://", "s3://")]
    [InlineData("", "")]
    [InlineData("s3:///key@x", "s3://***@x")]
    public void Keys_within_a_location_are_refused_and_not_shown(string location, string shown)
    {
        var failure = Assert.Throws<StoreException>(() => S3Location.OfObject(location));

        Assert.StartsWith($"'{shown}' is not a location in S3.", failure.Message, StringComparison.Ordinal);
        Assert.Equal(shown, failure.Location);
    }
}
