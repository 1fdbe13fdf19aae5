using Matih.Iceberg.Catalogs;

namespace Matih.Maintenance;

/// <summary>How often maintenance tries a commit that others came before, how long it waits, and what it says in the end.</summary>
internal static class CommitAttempts
{
    public const int CountMax = 8;

    private static readonly TimeSpan WaitMin = TimeSpan.FromMilliseconds(200);

    /// <param name="attempt">The attempt that failed, counted from 1.</param>
    public static Task WaitAfterAsync(int attempt, TimeProvider clock, CancellationToken cancellationToken) => Task.Delay(WaitMin * Math.Pow(2, attempt - 1), clock, cancellationToken);

    /// <param name="failure">What failed, on which table; the number of attempts follows.</param>
    /// <param name="contradiction">What the table shows where the catalog said that the commit stands.</param>
    /// <param name="state">What is so now, a sentence.</param>
    public static CatalogException NotThrough(string failure, int attempts, CommitResult last, string contradiction, string state)
    {
        var reason = last switch { CommitResult.Conflict conflict => conflict.Reason, CommitResult.Unknown unknown => $"not confirmed ({unknown.Cause.Message})", _ => $"the catalog said that it stands, and {contradiction}" };
        return new CatalogException(
            $"{failure} in {Quantity.Of(attempts, "attempt")}; the last one: {reason.TrimEnd('.')}.",
            $"{state} Writers that commit all the time come first: run it again, or at a quieter time.", (last as CommitResult.Unknown)?.Cause);
    }
}
