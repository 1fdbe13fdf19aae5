namespace Matih.Connectors;

/// <summary>How long calls to a catalog or a store may take, where somebody waits for them who wants to know soon.</summary>
/// <param name="AgainMax">How long after its first attempt a call that failed is attempted again.</param>
/// <param name="AnswerMax">How long one attempt waits for an answer, or for more of it.</param>
public sealed record CallLimits(TimeSpan AgainMax, TimeSpan AnswerMax);
