using Matih.Batches;
using Matih.Sql.Syntax;

namespace Matih.Sql.Expressions;

/// <summary>What one JSON_VALUE, JSON_QUERY or JSON_EXISTS asks of its document.</summary>
/// <param name="Path">The path's text as written, mode included.</param>
/// <param name="Type">Of JSON_VALUE STRING, INT, DOUBLE or BOOLEAN; of JSON_QUERY STRING; of JSON_EXISTS BOOLEAN.</param>
/// <param name="Empty">The value ON EMPTY; null for ERROR.</param>
/// <param name="Error">The value ON ERROR; null for ERROR.</param>
internal sealed record JsonQuestion(string Path, DataType Type, Constant? Empty, Constant? Error)
{
    public JsonFunction Function { get; init; }

    /// <summary>Of JSON_QUERY.</summary>
    public JsonWrapper Wrapper { get; init; }

    /// <summary>Whether the path has no wildcard.</summary>
    public bool IsDefinite { get; init; } = true;

    /// <summary>The function's name.</summary>
    public string Name => $"JSON_{Function.ToString().ToUpperInvariant()}";

    /// <summary>RETURNING never converts: a value of another JSON kind is an error whatever ON ERROR says.</summary>
    public bool CanFail => Empty is null || Error is null || (Function == JsonFunction.Value && Type != DataType.String);

    /// <summary>Whether a decoder may answer it: <see cref="InputColumn.JsonScalar"/>.</summary>
    public bool IsPlain => IsDefinite && IsDefault;

    private bool IsDefault => Function == JsonFunction.Value && HasNullClauses && Type == DataType.String;

    private bool HasNullClauses => Empty is { IsNull: true } && Error is { IsNull: true };

    /// <summary>The clauses after the path, for plans; empty where they are the defaults.</summary>
    public string Clauses
    {
        get
        {
            if (IsDefault || (Function == JsonFunction.Query && Wrapper == JsonWrapper.Never && HasNullClauses)) return "";
            var error = Error is null ? "ERROR" : $"DEFAULT {Error}";
            if (Function == JsonFunction.Exists) return $" {error} ON ERROR";
            var wrapper = Wrapper switch { JsonWrapper.Always => " WITH WRAPPER", JsonWrapper.UnlessArray => " WITH CONDITIONAL WRAPPER", _ => "" };
            var returning = Function == JsonFunction.Value ? $" RETURNING {Type.OrNull()}" : "";
            return $"{returning}{wrapper} {(Empty is null ? "ERROR" : $"DEFAULT {Empty}")} ON EMPTY {error} ON ERROR";
        }
    }
}
