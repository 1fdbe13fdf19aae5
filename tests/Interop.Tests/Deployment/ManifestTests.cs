using Matih.Delivery;
using Matih.Fixtures;
using Matih.Host.Health;

namespace Matih.Interop.Tests.Deployment;

/// <summary>That the manifests agree with the image, with the program and with each other.</summary>
public sealed class ManifestTests
{
    private readonly Dockerfile _image = Dockerfile.Read();

    [Theory]
    [InlineData("continuous")]
    [InlineData("members")]
    [InlineData("once")]
    public async Task Pods_have_the_images_user_and_no_rights(string folder)
    {
        var pod = (await Kustomization.RenderAsync(folder)).Pod["spec"];

        var ids = pod["securityContext"];
        var rights = pod["containers"].Named("matih")["securityContext"];

        Assert.Equal("true", ids["runAsNonRoot"].Text);
        Assert.Equal(_image.Only("USER"), $"{ids["runAsUser"].Text}:{ids["runAsGroup"].Text}");
        Assert.Equal(ids["runAsGroup"].Text, ids["fsGroup"].Text);
        Assert.Equal("RuntimeDefault", ids["seccompProfile"]["type"].Text);
        Assert.Equal("true", rights["readOnlyRootFilesystem"].Text);
        Assert.Equal("false", rights["allowPrivilegeEscalation"].Text);
        Assert.Equal(["ALL"], rights["capabilities"]["drop"].Texts);
        Assert.Equal("false", pod["automountServiceAccountToken"].Text);
    }

    [Theory]
    [InlineData("continuous")]
    [InlineData("members")]
    [InlineData("once")]
    public async Task The_image_is_of_this_version_and_its_folders_are_mounted(string folder)
    {
        var rendered = await Kustomization.RenderAsync(folder);
        var container = rendered.Pod["spec"]["containers"].Named("matih");
        var volumes = rendered.Pod["spec"]["volumes"];

        var mounts = container["volumeMounts"].Items.ToDictionary(mount => mount["mountPath"].Text);

        Assert.EndsWith($"/matih:{DockerfileTests.RepositoryVersion}", container["image"].Text, StringComparison.Ordinal);
        var state = mounts[_image.Only("VOLUME")];
        Assert.Null(state.Find("readOnly"));
        Assert.NotNull(volumes.Named(state["name"].Text).Find("emptyDir"));
        var definition = mounts[_image.Only("WORKDIR")];
        Assert.Equal(rendered.Single("ConfigMap")["metadata"]["name"].Text, volumes.Named(definition["name"].Text)["configMap"]["name"].Text);
        Assert.Equal("run", container["args"].Texts[0]);
        Assert.Equal($"{_image.Only("WORKDIR")}/{rendered.Single("ConfigMap")["data"].Map.Keys.Single()}", container["args"].Texts[1]);
        Assert.All(mounts.Values.Where(mount => mount["mountPath"].Text != _image.Only("VOLUME")), mount => Assert.Equal("true", mount["readOnly"].Text));
    }

    [Theory]
    [InlineData("continuous")]
    [InlineData("members")]
    [InlineData("once")]
    public async Task Secrets_are_files_from_what_the_operator_makes(string folder)
    {
        var rendered = await Kustomization.RenderAsync(folder);
        var pod = rendered.Pod["spec"];
        var user = rendered.Single("KafkaUser")["metadata"];
        var pipeline = new MountedPipeline(rendered);

        Assert.Equal((user["name"].Text, "password"), SecretOf(pipeline.PasswordFile));
        Assert.Equal(($"{user["labels"]["strimzi.io/cluster"].Text}-cluster-ca-cert", "ca.crt"), SecretOf(pipeline.AuthorityFile));
        Assert.DoesNotContain(pod["containers"].Named("matih")["env"].Items, variable => variable.Find("valueFrom") is not null);

        (string Secret, string Key) SecretOf(string path)
        {
            var mount = pod["containers"].Named("matih")["volumeMounts"].Items.Single(item => Path.GetDirectoryName(path) == item["mountPath"].Text);
            var secret = pod["volumes"].Named(mount["name"].Text)["secret"];
            return (secret["secretName"].Text, secret["items"].Items.Single(item => item["path"].Text == Path.GetFileName(path))["key"].Text);
        }
    }

    [Theory]
    [InlineData("continuous")]
    [InlineData("members")]
    [InlineData("once")]
    public async Task The_pipeline_names_what_the_kafka_folder_makes(string folder)
    {
        var kafka = await Kustomization.RenderAsync("kafka");
        var rendered = await Kustomization.RenderAsync(folder);

        var cluster = kafka.Single("Kafka");
        var listener = cluster["spec"]["kafka"]["listeners"].Items.Single();
        var pipeline = new MountedPipeline(rendered);

        var name = cluster["metadata"]["name"].Text;
        Assert.Equal($"{name}-kafka-bootstrap:{listener["port"].Text}", pipeline.BootstrapServers);
        Assert.Equal(kafka.Single("KafkaTopic")["metadata"]["name"].Text, pipeline.Topic);
        Assert.Equal(rendered.Single("KafkaUser")["metadata"]["name"].Text, pipeline.UserName);
        Assert.Equal("true", listener["tls"].Text);
        Assert.Equal(listener["authentication"]["type"].Text, rendered.Single("KafkaUser")["spec"]["authentication"]["type"].Text);
        foreach (var kind in kafka.Manifests.Where(manifest => manifest.Kind is "KafkaNodePool" or "KafkaTopic").Select(manifest => manifest.Root).Append(rendered.Single("KafkaUser")))
            Assert.Equal(name, kind["metadata"]["labels"]["strimzi.io/cluster"].Text);
        Assert.Single(kafka.Manifests.Concat(rendered.Manifests).Select(manifest => manifest.Root["metadata"]["namespace"].Text).Distinct());
        Assert.Contains(
            rendered.Single("NetworkPolicy")["spec"]["egress"].Items,
            rule => rule.Find("to") is { } peers && peers.Items.Single()["podSelector"]["matchLabels"].Map["strimzi.io/cluster"] == name && rule["ports"].Items.Single()["port"].Text == listener["port"].Text);
    }

    [Theory]
    [InlineData("continuous")]
    [InlineData("members")]
    public async Task Health_is_probed_where_it_is_served(string folder)
    {
        var rendered = await Kustomization.RenderAsync(folder);
        var container = rendered.Pod["spec"]["containers"].Named("matih");

        var port = container["ports"].Named("health")["containerPort"];

        Assert.Equal(HealthAddress.DefaultPort, port.Number);
        Assert.Equal(_image.Environment["MATIH_HEALTH"], $"0.0.0.0:{port.Text}");
        Assert.Equal(("/health/live", "health"), Probe("livenessProbe"));
        Assert.Equal(("/health/ready", "health"), Probe("readinessProbe"));
        Assert.Equal(port.Text, rendered.Single("NetworkPolicy")["spec"]["ingress"].Items.Single()["ports"].Items.Single()["port"].Text);

        (string Path, string Port) Probe(string name) => (container[name]["httpGet"]["path"].Text, container[name]["httpGet"]["port"].Text);
    }

    [Theory]
    [InlineData("continuous", "1")]
    [InlineData("members", "3")]
    public async Task A_pod_ends_before_the_next_one_starts(string folder, string replicas)
    {
        var rendered = await Kustomization.RenderAsync(folder);
        var deployment = rendered.Single("Deployment")["spec"];

        Assert.Equal(replicas, deployment["replicas"].Text);
        Assert.Equal("Recreate", deployment["strategy"]["type"].Text);
        Assert.Equal(folder == "members", rendered.Pod["spec"]["containers"].Named("matih")["args"].Texts.Contains("--member"));
        Assert.True(rendered.Pod["spec"]["terminationGracePeriodSeconds"].Number >= 60);
    }

    [Theory]
    [InlineData("continuous")]
    [InlineData("members")]
    [InlineData("once")]
    public async Task Everything_that_selects_pods_selects_these(string folder)
    {
        var rendered = await Kustomization.RenderAsync(folder);

        var labels = rendered.Pod["metadata"]["labels"].Map;

        Assert.Equal(labels, rendered.Single("NetworkPolicy")["spec"]["podSelector"]["matchLabels"].Map);
        Assert.Equal(rendered.Single("ServiceAccount")["metadata"]["name"].Text, rendered.Pod["spec"]["serviceAccountName"].Text);
        foreach (var kind in rendered.Manifests.Where(manifest => manifest.Kind is "Deployment" or "PodDisruptionBudget"))
            Assert.Equal(labels, kind.Root["spec"]["selector"]["matchLabels"].Map);
    }

    [Fact]
    public async Task A_scheduled_run_is_repeated_only_where_that_helps_and_never_runs_twice_at_once()
    {
        var rendered = await Kustomization.RenderAsync("once");
        var cron = rendered.Single("CronJob")["spec"];
        var rules = cron["jobTemplate"]["spec"]["podFailurePolicy"]["rules"].Items;

        string[] finals = [.. new[] { ExitCode.BadDefinition, ExitCode.Refused, ExitCode.RecordRejected }.Select(code => code.ToString(System.Globalization.CultureInfo.InvariantCulture))];

        Assert.Equal("Forbid", cron["concurrencyPolicy"].Text);
        Assert.Equal("Never", rendered.Pod["spec"]["restartPolicy"].Text);
        Assert.Contains("--once", rendered.Pod["spec"]["containers"].Named("matih")["args"].Texts);
        var failed = rules.Single(rule => rule["action"].Text == "FailJob")["onExitCodes"];
        Assert.Equal("In", failed["operator"].Text);
        Assert.Equal(finals, failed["values"].Texts);
        var counted = rules.Single(rule => rule["action"].Text == "Count")["onExitCodes"];
        Assert.Equal("NotIn", counted["operator"].Text);
        Assert.Equal(["0", .. finals], counted["values"].Texts);
    }

    [Theory]
    [InlineData("continuous")]
    [InlineData("members")]
    [InlineData("once")]
    public async Task The_definition_in_the_ConfigMap_is_valid(string folder)
    {
        var directory = TemporaryDirectory.New();
        var pipeline = new MountedPipeline(await Kustomization.RenderAsync(folder));
        pipeline.WriteTo(directory);
        File.WriteAllText(Path.Combine(directory, "password"), "not-the-secret\n");

        var output = (await MatihProcess.RunAsync(["validate", pipeline.FileName, .. pipeline.With(password: Path.Combine(directory, "password"), authority: AuthorityFile(directory))], directory)).Expect();

        Assert.StartsWith("clicks 1.0.0: valid\n", output.StandardOutput, StringComparison.Ordinal);
        Assert.Equal("", output.StandardError);
    }

    private static string AuthorityFile(string directory)
    {
        using var key = System.Security.Cryptography.ECDsa.Create();
        var request = new System.Security.Cryptography.X509Certificates.CertificateRequest("CN=test", key, System.Security.Cryptography.HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UnixEpoch, DateTimeOffset.UnixEpoch.AddYears(100));
        var path = Path.Combine(directory, "ca.crt");
        File.WriteAllText(path, certificate.ExportCertificatePem());
        return path;
    }
}
