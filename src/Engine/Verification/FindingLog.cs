using System.Collections.Immutable;

namespace Matih.Verification;

/// <summary>
/// Collects the findings of one flow in the order in which they are made. A proof that a mismatch takes back
/// (<see cref="ProofScope"/>) is not among them, whichever of the two was found first.
/// </summary>
internal sealed class FindingLog
{
    private readonly List<VerificationFinding> _findings = [];
    private readonly HashSet<string> _mismatched = [];

    public ImmutableArray<VerificationFinding> All => [.. _findings.Where(finding => finding is not VerificationFinding.Proved || !IsVoid(finding.Code))];

    public int ViolationCount { get; private set; }

    public void Proved(string code, string text) => _findings.Add(new VerificationFinding.Proved(code, text));

    public void NotProvable(string code, string text, string reason) => _findings.Add(new VerificationFinding.NotProvable(code, text, reason));

    public void Warning(string code, string text, string remedy) => _findings.Add(new VerificationFinding.Warning(code, text, remedy));

    /// <summary>A warning of something that is not as it should be, so that it takes back proofs as a violation does.</summary>
    public void Mismatch(string code, string text, string remedy)
    {
        _mismatched.Add(code);
        Warning(code, text, remedy);
    }

    public void Unreachable(string code, string text, string remedy) => _findings.Add(new VerificationFinding.Unreachable(code, text, remedy));

    public void Violation(string code, string on, string expected, string found, string remedy)
    {
        ViolationCount++;
        _mismatched.Add(code);
        _findings.Add(new VerificationFinding.Violation(code, on, expected, found, remedy));
    }

    /// <summary>Whether something was found that takes the proof back.</summary>
    public bool IsVoid(string proved) => _mismatched.Any(mismatch => ProofScope.Voids(mismatch, proved));
}
