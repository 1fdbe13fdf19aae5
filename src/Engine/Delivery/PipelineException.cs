using System.Collections.Immutable;

namespace Matih.Delivery;

/// <summary>Why a run cannot go on. One policy table (<see cref="FailurePolicy"/>) says what follows from each kind.</summary>
public enum FailureKind
{
    /// <summary>The definition or its SQL is wrong, or does not fit the table.</summary>
    BadDefinition,
    /// <summary>Kafka cannot be reached, or fails while reading.</summary>
    Kafka,

    /// <summary>Kafka refuses these credentials or this topic.</summary>
    KafkaAccess,
    /// <summary>The catalog does not answer or refuses.</summary>
    Catalog,
    /// <summary>The table's files contradict the format or each other.</summary>
    Table,

    /// <summary>The store of the table's files fails: disk full, permission, network.</summary>
    Store,

    /// <summary>A Flink cluster or its SQL Gateway does not answer, or refuses a job.</summary>
    Flink,

    /// <summary>An address that this process was told to listen on cannot be had.</summary>
    Endpoint,
    /// <summary>Another writer of the same pipeline has taken over.</summary>
    Superseded,
    /// <summary>To go on would lose or double records.</summary>
    WouldLoseOrDouble,
    /// <summary>A record was rejected under <c>on_error: fail</c>.</summary>
    RecordRejected,
}

/// <summary>The kinds of failures as words for machines: the one spelling in logs, metrics, spans and JSON.</summary>
public static class FailureWord
{
    /// <summary>Every word, in the order of the kinds.</summary>
    public static ImmutableArray<string> All { get; } = [.. Enum.GetValues<FailureKind>().Select(Of)];

    /// <summary>The kind in lower case, with dashes.</summary>
    public static string Of(FailureKind kind) => kind switch
    {
        FailureKind.BadDefinition => "bad-definition",
        FailureKind.Kafka => "kafka",
        FailureKind.KafkaAccess => "kafka-access",
        FailureKind.Catalog => "catalog",
        FailureKind.Table => "table",
        FailureKind.Store => "store",
        FailureKind.Flink => "flink",
        FailureKind.Endpoint => "endpoint",
        FailureKind.Superseded => "superseded",
        FailureKind.WouldLoseOrDouble => "would-lose-or-double",
        FailureKind.RecordRejected => "record-rejected",
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
    };
}

/// <summary>What to do about a failure before a person has to look.</summary>
public enum RetryAdvice
{
    /// <summary>Try again after a growing, jittered wait, up to max_retries times without progress.</summary>
    BackOff,
    /// <summary>It stays as it is until somebody acts.</summary>
    NeedsPerson,
}

/// <summary>The documented exit codes of the command.</summary>
public static class ExitCode
{
    public const int Done = 0;
    public const int BadDefinition = 2;
    public const int Environment = 3;
    public const int Superseded = 4;
    public const int Refused = 5;
    public const int RecordRejected = 6;
    public const int Interrupted = 130;
}

/// <summary>The one table from failure kind to retry advice and exit code.</summary>
internal static class FailurePolicy
{
    public static (RetryAdvice Retry, int ExitCode) Of(FailureKind kind) => kind switch
    {
        FailureKind.BadDefinition => (RetryAdvice.NeedsPerson, ExitCode.BadDefinition),
        FailureKind.Kafka or FailureKind.Catalog or FailureKind.Store => (RetryAdvice.BackOff, ExitCode.Environment),
        FailureKind.KafkaAccess or FailureKind.Table or FailureKind.Endpoint or FailureKind.Flink => (RetryAdvice.NeedsPerson, ExitCode.Environment),
        FailureKind.Superseded => (RetryAdvice.NeedsPerson, ExitCode.Superseded),
        FailureKind.WouldLoseOrDouble => (RetryAdvice.NeedsPerson, ExitCode.Refused),
        FailureKind.RecordRejected => (RetryAdvice.NeedsPerson, ExitCode.RecordRejected),
        _ => throw new ArgumentOutOfRangeException(nameof(kind), kind, null),
    };
}

/// <summary>A run cannot go on: what failed and on which object (the message), and what to do next (the remedy). Carries no secrets.</summary>
public sealed class PipelineException(FailureKind kind, string message, string remedy, Exception? innerException = null)
    : Exception(message, innerException)
{
    public FailureKind Kind { get; } = kind;

    /// <summary>The next step for the operator, a full sentence.</summary>
    public string Remedy { get; } = remedy;

    public RetryAdvice Retry => FailurePolicy.Of(Kind).Retry;

    public int ExitCode => FailurePolicy.Of(Kind).ExitCode;

    internal static PipelineException Refused(string message, string remedy, Exception? inner = null) =>
        new(FailureKind.WouldLoseOrDouble, message, remedy, inner);
}
