using System.Globalization;
using System.Text;
using Matih.Fixtures;

namespace Matih.Functions.TestHost.Apps;

/// <summary>What a <see cref="PipelineApp"/> is made of.</summary>
/// <param name="Storage">The connection string of the task hub's storage.</param>
/// <param name="Hub">The name of the task hub; take one of your own for each app.</param>
public sealed record PipelineSetup(string Storage, string Hub)
{
    /// <summary>The folder of the app.</summary>
    public string App { get; init; } = BuiltApps.Functions;

    /// <summary>The pipeline's only file. Its source reads <see cref="Topic"/> from <c>${KAFKA_CONNECTION}</c>.</summary>
    public required string Definition { get; init; }

    /// <summary>The pipeline's name in the definition.</summary>
    public string Pipeline { get; init; } = "clicks";

    /// <summary>Its source's name.</summary>
    public string Source { get; init; } = "clicks";

    public string Topic { get; init; } = "clicks";

    public int PartitionCount { get; init; } = 2;

    /// <summary>The broker; null for an embedded one, which keeps the last 5 MiB of each partition.</summary>
    public string? BootstrapServers { get; init; }

    /// <summary>Settings of the app beside those that every one has.</summary>
    public IReadOnlyDictionary<string, string?> Settings { get; init; } = new Dictionary<string, string?>();

    /// <summary>The value of the record with a number, from 0.</summary>
    public Func<int, byte[]> Value { get; init; } = number => Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $$"""{"id":"{{number}}"}"""));

    /// <summary>A catalog on an Azurite, for the definition: its key is the setting <c>AZURE_KEY</c>.</summary>
    /// <param name="server">Where the blob service is reached, at the Azurite or at a proxy before it.</param>
    /// <returns>The entry's YAML, and the warehouse's address.</returns>
    public static async Task<(string Yaml, string Warehouse)> CatalogOnAsync(Azurite azurite, Uri server)
    {
        var warehouse = $"abfss://{await azurite.NewContainerAsync()}@{Azurite.Account}.dfs.core.windows.net/warehouse";
        return ($"{{ type: file, warehouse: '{warehouse}', azure: {{ endpoint: '{Azurite.EndpointAt(server)}', account_key: '${{AZURE_KEY}}' }} }}", warehouse);
    }
}
