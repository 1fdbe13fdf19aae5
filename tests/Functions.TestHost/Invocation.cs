using System.Security.Cryptography;
using Matih.Functions.TestHost.Protocol;

namespace Matih.Functions.TestHost;

/// <summary>What a host sends with an invocation.</summary>
public sealed record Invocation
{
    /// <summary>Data of the trigger.</summary>
    public required TypedData Trigger { get; init; }

    /// <summary>Data of further input bindings, by name. Durable clients are filled in where they are missing here.</summary>
    public IReadOnlyDictionary<string, TypedData> Inputs { get; init; } = new Dictionary<string, TypedData>();

    /// <summary>What else is known of the trigger, as functions read it from their binding data.</summary>
    public IReadOnlyDictionary<string, TypedData> Metadata { get; init; } = new Dictionary<string, TypedData>();

    /// <summary>How many attempts went before this one under a retry policy.</summary>
    public int RetryCount { get; init; }

    /// <summary>How many attempts may follow the first one.</summary>
    public int RetryCountMax { get; init; }

    /// <summary>The trace that the function belongs to (W3C traceparent); null draws a new one.</summary>
    public string? TraceParent { get; init; }

    internal InvocationRequest Request(WorkerFunction function, string? durableClient)
    {
        var request = new InvocationRequest
        {
            InvocationId = Guid.NewGuid().ToString(),
            FunctionId = function.Id,
            TraceContext = new() { TraceParent = TraceParent ?? $"00-{RandomNumberGenerator.GetHexString(32, lowercase: true)}-{RandomNumberGenerator.GetHexString(16, lowercase: true)}-01" },
            RetryContext = new() { RetryCount = RetryCount, MaxRetryCount = RetryCountMax },
        };
        request.InputData.Add(new ParameterBinding { Name = function.TriggerName, Data = Trigger });
        foreach (var (name, data) in Inputs) request.InputData.Add(new ParameterBinding { Name = name, Data = data });
        foreach (var name in function.DurableClients.Where(name => !Inputs.ContainsKey(name)))
        {
            if (durableClient is null)
                throw new InvalidOperationException(
                    $"The function {function.Name} takes a durable client ({name}), and no job host runs: start the worker through AppInstance, or set WorkerProcess.DurableClient.");
            request.InputData.Add(new ParameterBinding { Name = name, Data = new() { String = durableClient } });
        }
        foreach (var (name, data) in Metadata) request.TriggerMetadata[name] = data;
        return request;
    }
}
