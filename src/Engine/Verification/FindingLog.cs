using System.Collections.Immutable;

namespace Matih.Verification;

/// <summary>Collects the findings of one flow in the order in which they are made.</summary>
internal sealed class FindingLog
{
    private readonly ImmutableArray<VerificationFinding>.Builder _findings = ImmutableArray.CreateBuilder<VerificationFinding>();

    public ImmutableArray<VerificationFinding> All => _findings.ToImmutable();

    public int ViolationCount { get; private set; }

    public void Proved(string code, string text) => _findings.Add(new VerificationFinding.Proved(code, text));

    public void NotProvable(string code, string text, string reason) => _findings.Add(new VerificationFinding.NotProvable(code, text, reason));

    public void Warning(string code, string text, string remedy) => _findings.Add(new VerificationFinding.Warning(code, text, remedy));

    public void Unreachable(string code, string text, string remedy) => _findings.Add(new VerificationFinding.Unreachable(code, text, remedy));

    public void Violation(string code, string on, string expected, string found, string remedy)
    {
        ViolationCount++;
        _findings.Add(new VerificationFinding.Violation(code, on, expected, found, remedy));
    }
}
