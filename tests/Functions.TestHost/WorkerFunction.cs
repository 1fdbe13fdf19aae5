using System.Text.Json;
using Matih.Functions.TestHost.Protocol;

namespace Matih.Functions.TestHost;

/// <summary>A function as the worker describes it. Settings (<c>%NAME%</c>) in its bindings are left as they are.</summary>
public sealed class WorkerFunction
{
    private readonly RpcFunctionMetadata _metadata;

    internal WorkerFunction(RpcFunctionMetadata metadata)
    {
        _metadata = metadata;
        Bindings = [.. metadata.RawBindings.Select(raw => JsonDocument.Parse(raw).RootElement.Clone())];
        Trigger = Bindings.Single(binding => TypeOf(binding).EndsWith("Trigger", StringComparison.OrdinalIgnoreCase));
    }

    public string Name => _metadata.Name;
    public string EntryPoint => _metadata.EntryPoint;
    public string ScriptFile => _metadata.ScriptFile;

    /// <summary>The bindings in the worker's own JSON, as a host and its scale controller get them.</summary>
    public IReadOnlyList<string> RawBindings => _metadata.RawBindings;

    /// <summary><see cref="RawBindings"/>, parsed.</summary>
    public IReadOnlyList<JsonElement> Bindings { get; }

    /// <summary>The one binding that starts the function.</summary>
    public JsonElement Trigger { get; }

    /// <summary>For example <c>kafkaTrigger</c>.</summary>
    public string TriggerType => TypeOf(Trigger);

    internal string Id => _metadata.FunctionId;

    internal bool IsTriggeredBy(string type) => TriggerType.Equals(type, StringComparison.OrdinalIgnoreCase);

    /// <summary>The names of the parameters that a durable client is bound to.</summary>
    internal IEnumerable<string> DurableClients =>
        Bindings.Where(binding => TypeOf(binding).Equals("durableClient", StringComparison.OrdinalIgnoreCase)).Select(NameOf);

    internal string TriggerName => NameOf(Trigger);

    /// <summary>What a host sends to load the function: the metadata with its bindings filled from the raw ones.</summary>
    internal FunctionLoadRequest LoadRequest()
    {
        var metadata = _metadata.Clone();
        foreach (var binding in Bindings)
        {
            var info = new BindingInfo { Type = TypeOf(binding), Direction = Parse<BindingInfo.Types.Direction>(binding, "direction"), DataType = Parse<BindingInfo.Types.DataType>(binding, "dataType") };
            if (binding.TryGetProperty("properties", out var properties))
                foreach (var property in properties.EnumerateObject()) info.Properties[property.Name] = property.Value.ToString();
            metadata.Bindings[NameOf(binding)] = info;
        }
        return new() { FunctionId = Id, Metadata = metadata };
    }

    private static string TypeOf(JsonElement binding) => binding.GetProperty("type").GetString()!;

    private static string NameOf(JsonElement binding) => binding.GetProperty("name").GetString()!;

    private static T Parse<T>(JsonElement binding, string property) where T : struct, Enum =>
        binding.TryGetProperty(property, out var value) ? Enum.Parse<T>(value.GetString()!, ignoreCase: true) : default;
}
