using Matih.Definition;
using Matih.Engine.Tests.Definition;
using Matih.Flink;
using Matih.Planning;

namespace Matih.Engine.Tests.Flink;

/// <summary>The definitions that documents show for Kafka can be said to Flink. <c>FlinkDeploymentTests</c> brings that of docs/flink.md onto a real one.</summary>
public sealed class FlinkDocumentTests
{
    [Theory]
    [InlineData("README.md")]
    [InlineData("docs/flink.md")]
    public void The_first_definition_of_a_document_is_a_job(string document)
    {
        var text = File.ReadAllText(Samples.RepositoryFile(document));
        var start = text.IndexOf("```yaml\n", StringComparison.Ordinal) + "```yaml\n".Length;
        var yaml = text[start..text.IndexOf("```", start, StringComparison.Ordinal)];

        var definition = Samples.Valid(yaml, Samples.Inputs() with { Overrides = ["orchestration.engine=flink"] });
        var plan = PipelinePlanner.Plan(definition, isForFlink: true);
        var result = new FlinkGenerator(definition, WrittenDefinition.Read("p.yaml", yaml), plan.Flows, new FlinkTraits(), _ => "PEM").Generate();

        Assert.Empty(plan.Errors);
        Assert.Empty(result.Errors);
        Assert.Equal("clicks", result.Script!.JobName);
    }
}
