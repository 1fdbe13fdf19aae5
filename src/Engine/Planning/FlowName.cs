namespace Matih.Planning;

/// <summary>Names one stream into one table: a ledger belongs to it.</summary>
public sealed record FlowName(string Pipeline, string Sink)
{
    public override string ToString() => $"{Pipeline}/{Sink}";
}
