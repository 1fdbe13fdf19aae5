namespace Matih.Verification;

/// <summary>
/// One thing that verification says of a flow and its table. Codes are stable kebab-case names for machines
/// (<see cref="FindingCode"/>); texts are sentences for people and hold no secrets.
/// </summary>
public abstract record VerificationFinding
{
    private VerificationFinding(string code) => Code = code;

    public string Code { get; init; }

    /// <summary>Something that was looked at and is as it must be.</summary>
    public sealed record Proved(string Code, string Text) : VerificationFinding(Code);

    /// <summary>Something that the table, or Kafka, no longer tells. Nothing speaks against it either.</summary>
    /// <param name="Reason">Why it could not be proven.</param>
    public sealed record NotProvable(string Code, string Text, string Reason) : VerificationFinding(Code);

    /// <summary>The rows are right, but somebody should know this or do something.</summary>
    public sealed record Warning(string Code, string Text, string Remedy) : VerificationFinding(Code);

    /// <summary>The table contradicts itself or the topic: rows are, or will be, lost or doubled, or the proof of it was altered.</summary>
    /// <param name="Object">What it is about: a commit, a file, a partition.</param>
    /// <param name="Remedy">What to do next, full sentences.</param>
    public sealed record Violation(string Code, string Object, string Expected, string Found, string Remedy) : VerificationFinding(Code);

    /// <summary>Kafka or the store did not answer, so that a part was not looked at.</summary>
    public sealed record Unreachable(string Code, string Text, string Remedy) : VerificationFinding(Code);
}
