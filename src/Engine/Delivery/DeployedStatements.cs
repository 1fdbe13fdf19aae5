using System.Collections.Immutable;
using System.Text.RegularExpressions;

namespace Matih.Delivery;

/// <summary>
/// Which statements the last jobs of a flow were deployed with, as the table says where only Flink runs them: Flink maps state by
/// the shape of a job, and takes that of another statement without a word where the types fit.
/// </summary>
/// <param name="Entries">Job ids, each with what its statements are recognized by, the newest first.</param>
public sealed partial record DeployedStatements(ImmutableArray<(string Job, DeployedHash Hash)> Entries)
{
    /// <summary>Attempts that never began are among them, and what is continued from is that of a job before.</summary>
    private const int EntryCountMax = 4;

    /// <param name="text">As <see cref="ToString"/> gives it; null where the table says nothing.</param>
    public static DeployedStatements Parse(string? text) => new([.. (text ?? "").Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(entry => entry.Split('=', 2)).Where(entry => entry.Length == 2).Select(entry => (entry[0], DeployedHash.Parse(entry[1])))]);

    public DeployedStatements With(string job, DeployedHash hash) => new([(job, hash), .. Entries.Where(entry => entry.Job != job).Take(EntryCountMax - 1)]);

    /// <summary>The hash of the job that is continued; null where it is not known.</summary>
    /// <param name="job">Its id; null where only the place is known.</param>
    /// <param name="place">Its savepoint or checkpoint, in whose path Flink writes the job's id or the beginning of it.</param>
    public DeployedHash? Find(string? job, string? place)
    {
        if (job is not null) return HashOf(job);
        if (Checkpoint().Match(place ?? "") is { Success: true } checkpoint) return HashOf(checkpoint.Groups[1].Value);
        if (Savepoint().Match(place ?? "") is { Success: true } savepoint && HashOf(savepoint.Groups[1].Value) is { } hash) return hash;
        return HashOf("");
    }

    private DeployedHash? HashOf(string beginning) => Entries.FirstOrDefault(entry => entry.Job.StartsWith(beginning, StringComparison.Ordinal)).Hash;

    public override string ToString() => string.Join(' ', Entries.Select(entry => $"{entry.Job}={entry.Hash}"));

    [GeneratedRegex("/([0-9a-f]{32})/chk-[0-9]+/?$", RegexOptions.CultureInvariant)]
    private static partial Regex Checkpoint();

    [GeneratedRegex("/savepoint-([0-9a-f]{6})-[0-9a-f]+/?$", RegexOptions.CultureInvariant)]
    private static partial Regex Savepoint();
}

/// <summary>What the statements of a job are recognized by.</summary>
/// <param name="Statements">Of their text.</param>
/// <param name="Topics">Of what they read, in their order; null where a job was deployed by a version that did not keep it.</param>
public sealed record DeployedHash(string Statements, string? Topics)
{
    /// <param name="text">As <see cref="ToString"/> gives it.</param>
    public static DeployedHash Parse(string text) => text.Split('.', 2) is [var statements, var topics] ? new(statements, topics) : new(text, null);

    public override string ToString() => Topics is null ? Statements : $"{Statements}.{Topics}";
}
