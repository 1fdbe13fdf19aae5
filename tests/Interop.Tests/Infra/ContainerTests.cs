namespace Matih.Interop.Tests.Infra;

/// <summary>The containers of continuous mode.</summary>
public sealed class ContainerTests
{
    [Fact]
    public async Task A_container_runs_one_pipeline_once_and_is_asked_for_its_health()
    {
        var made = await Prediction.OfFileAsync(InfraSources.Container);

        foreach (var app in made.OfType("Microsoft.App/containerApps"))
        {
            var properties = app["properties"]!;
            var template = properties["template"]!;
            Assert.Equal((1, 1), ((int)template["scale"]!["minReplicas"]!, (int)template["scale"]!["maxReplicas"]!));
            Assert.Null(properties["configuration"]!["ingress"]);
            var container = Assert.Single(template["containers"]!.AsArray())!;
            var probes = container["probes"]!.AsArray().Select(probe => $"{probe!["type"]} {probe["httpGet"]!["port"]}{probe["httpGet"]!["path"]}");
            Assert.Equal(["Startup 8471/health/live", "Liveness 8471/health/live", "Readiness 8471/health/ready"], probes);
            Assert.Contains(container["env"]!.AsArray(), variable => (string)variable!["name"]! == "MATIH_HEALTH" && (string?)variable["value"] == "0.0.0.0:8471");
        }
    }

    [Fact]
    public async Task A_container_reads_its_pipeline_from_a_file_that_the_revision_carries()
    {
        var made = await Prediction.OfFileAsync(InfraSources.Container);

        foreach (var app in made.OfType("Microsoft.App/containerApps"))
        {
            var template = app["properties"]!["template"]!;
            var arguments = template["containers"]![0]!["args"]!.AsArray().Select(argument => (string)argument!).ToArray();
            var mount = template["containers"]![0]!["volumeMounts"]![0]!;
            var file = template["volumes"]![0]!["secrets"]![0]!;
            Assert.Equal(["run", $"{mount["mountPath"]}/{file["path"]}", "--member"], arguments);
            Assert.Equal((string?)template["volumes"]![0]!["name"], (string?)mount["volumeName"]);
            Assert.Contains(app["properties"]!["configuration"]!["secrets"]!.AsArray(), secret => (string?)secret!["name"] == (string?)file["secretRef"] && secret["value"] is not null);
        }
    }

    [Fact]
    public async Task Containers_need_neither_the_storage_nor_the_telemetry_of_a_functions_app()
    {
        var made = await Prediction.OfFileAsync(InfraSources.Container);

        Assert.Empty(made.OfType("Microsoft.Web/sites"));
        Assert.Empty(made.OfType("Microsoft.Insights/components"));
        Assert.Contains("lake", (string)Assert.Single(made.OfType("Microsoft.Storage/storageAccounts"))["name"]!, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_container_without_an_image_is_refused()
    {
        var refusal = await Prediction.RefusalAsync("""
            param host = 'container'
            param containerPipelines = [{ name: 'orders', definition: 'metadata: { name: orders }', cpu: '1.0' }]
            """);

        Assert.Contains("A container needs its image: give the parameter image.", refusal, StringComparison.Ordinal);
    }
}
