namespace Matih.Interop.Tests.Deployment;

/// <summary>
/// Manifests against the public descriptions of their kinds: Kubernetes' own OpenAPI description, as the package kubernetes-models
/// has it, and for Strimzi a schema that was written for these tests, because no package source has the operator's.
/// </summary>
/// <remarks>The manifests of 2026-11-30 also fitted the resource definitions in Strimzi's repository at commit 8541da1, after 1.2, with unknown keys refused.</remarks>
public sealed class ManifestSchemaTests
{
    [Theory]
    [MemberData(nameof(Kustomization.Folders), MemberType = typeof(Kustomization))]
    public async Task Every_manifest_fits_its_kind(string folder)
    {
        var rendered = await Kustomization.RenderAsync(folder);

        var (checkedNames, faults) = await ManifestCheck.RunAsync(rendered.Text);

        Assert.Empty(faults);
        Assert.Equal(rendered.Manifests.Count, checkedNames.Length);
        Assert.NotEmpty(checkedNames);
    }

    [Theory]
    [InlineData("continuous", "readOnlyRootFilesystem", "readOnlyRootFileSystem", "Deployment/matih-clicks: Object literal may only specify known properties, and '\"readOnlyRootFileSystem\"' does not exist in type 'ISecurityContext'.")]
    [InlineData("continuous", "periodSeconds: 30", "periodSeconds: often", "Deployment/matih-clicks: data/spec/template/spec/containers/0/livenessProbe/periodSeconds must be integer")]
    [InlineData("once", "schedule:", "scheduled:", "CronJob/matih-clicks: data/spec must have required property schedule")]
    [InlineData("once", "memory: 1Gi", "memory: 1 gigabyte", "CronJob/matih-clicks: data/spec/jobTemplate/spec/template/spec/containers/0/resources/limits/memory must be number")]
    [InlineData("members", "kind: PodDisruptionBudget", "kind: PodDisruptionPlan", "PodDisruptionPlan/matih-clicks: Kubernetes has no PodDisruptionPlan in policy/v1")]
    [InlineData("members", "patternType: literal", "pattern: literal", "KafkaUser/matih-clicks: /spec/authorization/acls/0/resource must NOT have additional properties {\"additionalProperty\":\"pattern\"}")]
    [InlineData("kafka", "type: scram-sha-512", "type: scram", "Kafka/lake: /spec/kafka/listeners/0/authentication/type must be equal to one of the allowed values")]
    [InlineData("kafka", "kafka.strimzi.io/v1", "kafka.strimzi.io/v1beta2", "Kafka/lake: /apiVersion must be equal to constant {\"allowedValue\":\"kafka.strimzi.io/v1\"}")]
    public async Task A_fault_is_found(string folder, string good, string bad, string expected)
    {
        var rendered = await Kustomization.RenderAsync(folder);
        Assert.Contains(good, rendered.Text, StringComparison.Ordinal);

        var (_, faults) = await ManifestCheck.RunAsync(rendered.Text.Replace(good, bad, StringComparison.Ordinal));

        Assert.Contains(faults, fault => fault.StartsWith(expected, StringComparison.Ordinal));
    }
}
