using Matih.Functions.TestHost.Protocol;

namespace Matih.Functions.TestHost;

/// <summary>How an invocation ended.</summary>
/// <param name="InvocationId">As it stands in the worker's log lines.</param>
/// <param name="ReturnValue">Null where the function returns nothing, or failed.</param>
/// <param name="Outputs">By the name of the output binding.</param>
/// <param name="Failure">What the worker says of the function's exception; null where it succeeded.</param>
public sealed record FunctionResult(string Function, string InvocationId, TypedData? ReturnValue, IReadOnlyDictionary<string, TypedData> Outputs, RpcException? Failure)
{
    public bool Succeeded => Failure is null;

    /// <summary>The same result, where the function succeeded.</summary>
    /// <exception cref="FunctionFailedException">It did not.</exception>
    public FunctionResult Expect() => Failure is null ? this : throw new FunctionFailedException(this);
}

/// <summary>A function threw, or was cancelled. The message is in the form that a host hands to its extensions, which parse it.</summary>
public sealed class FunctionFailedException(FunctionResult result)
    : Exception($"Result: Failure\nException: {result.Failure?.Message}\nStack: {result.Failure?.StackTrace}")
{
    public FunctionResult Result { get; } = result;
}

/// <summary>The worker process ended, or its connection did, before it answered.</summary>
public sealed class WorkerEndedException(string message) : Exception(message);
