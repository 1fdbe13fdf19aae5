namespace Matih.Sql.Kernels;

/// <summary>The compiled body of a function: fills the call's result for all rows of a batch.</summary>
internal delegate void KernelBody(KernelCall call);

/// <summary>A vectorised function of values, specialised for its argument types.</summary>
/// <param name="Name">For plans; kernels of the same name, result and argument types must do the same.</param>
/// <param name="Body">Appends <see cref="KernelCall.Count"/> rows to the result.</param>
internal sealed record Kernel(string Name, KernelBody Body)
{
    /// <summary>Whether the body rejects rows.</summary>
    public bool CanFail { get; init; }

    /// <summary>Whether a NULL argument makes the result NULL without the body's doing. Default true: most functions of SQL.</summary>
    public bool IsStrict { get; init; } = true;

    /// <summary>Whether equal arguments give equal results at any time: only then it is folded and shared.</summary>
    public bool IsDeterministic { get; init; } = true;

    /// <summary>Whether the result is JSON text that JSON_OBJECT and JSON_ARRAY put in as it is.</summary>
    public bool IsJson { get; init; }
}
