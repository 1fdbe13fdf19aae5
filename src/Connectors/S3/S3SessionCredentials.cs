using Matih.Definition;

namespace Matih.Connectors.S3;

/// <summary>Credentials that somebody else gives for a while, such as a catalog for one table.</summary>
/// <param name="Expires">Null means that they stay valid.</param>
public sealed record S3SessionCredentials(string AccessKeyId, Secret SecretAccessKey, Secret? SessionToken, DateTimeOffset? Expires);

/// <summary>Where <see cref="S3SessionCredentials"/> come from. It is asked again before they expire, and by one caller at a time.</summary>
public delegate ValueTask<S3SessionCredentials> S3CredentialSource(CancellationToken cancellationToken);
