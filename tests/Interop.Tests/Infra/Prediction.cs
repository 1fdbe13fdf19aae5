using System.Collections.Concurrent;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Matih.Fixtures;

namespace Matih.Interop.Tests.Infra;

/// <summary>
/// The resources that a parameter file makes, as the compiler evaluates them. What only Azure knows (an identity's id, the
/// cloud's suffixes) stays an expression in brackets.
/// </summary>
internal sealed class Prediction
{
    private static readonly ConcurrentDictionary<string, Lazy<Task<Prediction>>> OfFiles = new();
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    private Prediction(JsonNode root)
    {
        Resources = [.. root["predictedResources"]!.AsArray().Select(resource => resource!.AsObject())
            .OrderBy(resource => $"{resource["type"]} {resource["id"]}", StringComparer.Ordinal)];
        Outputs = root["outputs"]!.AsObject().OrderBy(output => output.Key, StringComparer.Ordinal).ToDictionary(output => output.Key, output => output.Value!);
    }

    /// <summary>Ordered by type and id: the compiler's own order is another one in each run.</summary>
    public IReadOnlyList<JsonObject> Resources { get; }

    public IReadOnlyDictionary<string, JsonNode> Outputs { get; }

    /// <summary>Of a file of the repository; it is evaluated once.</summary>
    public static Task<Prediction> OfFileAsync(string file)
    {
        BicepCompiler.Find();
        return OfFiles.GetOrAdd(file, _ => new(async () => Of(await EvaluateAsync(file, text: null)))).Value;
    }

    /// <summary>Of parameters, beside those of the repository.</summary>
    /// <param name="parameters">Without <c>using</c>.</param>
    public static async Task<Prediction> OfAsync(string parameters) => Of(await EvaluateAsync("infra/test.bicepparam", parameters));

    /// <summary>What the compiler says to parameters that are refused.</summary>
    public static async Task<string> RefusalAsync(string parameters)
    {
        var refusal = await Assert.ThrowsAsync<InvalidOperationException>(() => EvaluateAsync("infra/test.bicepparam", parameters));
        return refusal.Message;
    }

    public IEnumerable<JsonObject> OfType(string type) => Resources.Where(resource => (string?)resource["type"] == type);

    /// <summary>The settings of the Functions app, by name.</summary>
    public IReadOnlyDictionary<string, string> AppSettings() =>
        Assert.Single(OfType("Microsoft.Web/sites"))["properties"]!["siteConfig"]!["appSettings"]!.AsArray().ToDictionary(setting => (string)setting!["name"]!, setting => (string)setting!["value"]!);

    /// <summary>All of it as text, the same for the same resources.</summary>
    public string Text() => JsonSerializer.Serialize(new { resources = Resources, outputs = Outputs }, Indented) + "\n";

    private static Prediction Of(string snapshot)
    {
        var root = JsonNode.Parse(snapshot)!;
        Assert.Empty(root["diagnostics"]!.AsArray());
        return new(root);
    }

    private static async Task<string> EvaluateAsync(string file, string? text)
    {
        var folder = TemporaryDirectory.NewUnowned();
        try
        {
            InfraSources.CopyTo(folder);
            var path = Path.Combine(folder, file);
            if (text is not null) await File.WriteAllTextAsync(path, $"using 'main.bicep'\n{text}");
            var answer = await BicepServer.AskAsync("bicep/getSnapshot", new JsonObject
            {
                ["path"] = path,
                ["metadata"] = new JsonObject
                {
                    ["tenantId"] = "00000000-0000-0000-0000-000000000002",
                    ["subscriptionId"] = "00000000-0000-0000-0000-000000000001",
                    ["resourceGroup"] = "rg-matih",
                    ["location"] = "westeurope",
                    ["deploymentName"] = null,
                },
                ["externalInputs"] = null,
            });
            return (string)answer["snapshot"]!;
        }
        finally
        {
            TemporaryDirectory.Delete(folder);
        }
    }
}
