using Matih.Engine.Tests.Storage;
using Matih.Hosting;
using Matih.Hosting.Serverless;

namespace Matih.Engine.Tests.Hosting.Serverless;

/// <summary>A folder of definitions: one bad file is one error, and the pipelines of the others are served.</summary>
public sealed class PipelineFolderTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    private static string Yaml(string name, string more = "", string brokers = "b:9092", string topic = "t", string? group = null) => $$"""
        metadata: { name: {{name}} }
        sources:
          s: { type: kafka, connection: "{{brokers}}", topic: {{topic}}, consumer_group: {{group ?? $"g-{name}"}}, format: raw }
        sinks:
          k: { type: iceberg, input: s, table: n.t }
        {{more}}
        """;

    private void Put(string file, string text) => File.WriteAllText(_folder.Child(file), text);

    private PipelineFolder Load(string? folder = null) => PipelineFolder.Load(folder ?? _folder.Path, Settings.Of((HostSettings.LibrdkafkaVariable, "/none.so")));

    [Fact]
    public void A_folder_that_is_empty_or_not_there_has_none()
    {
        Assert.Equal((0, 0), (Load().Pipelines.Length, Load().Broken.Length));
        Assert.Equal((0, 0), (Load(_folder.Child("nowhere")).Pipelines.Length, Load(_folder.Child("nowhere")).Broken.Length));
    }

    [Fact]
    public void Bad_files_are_errors_of_their_own_and_the_others_are_served()
    {
        Put("a.yaml", Yaml("a"));
        Put("b.YML", Yaml("b"));
        Put("broken.yaml", "metadata: [");
        Put("empty.yaml", "");
        Put("flink.yaml", Yaml("f", "orchestration: { engine: flink }"));
        Put("cdc.yaml", "metadata: { name: cdc }\nsources:\n  s: { type: flink, connector: postgres-cdc, schema: \"id INT\" }\nsinks:\n  k: { type: iceberg, table: n.t }\n");
        Put("notes.txt", "no definition");
        File.CreateSymbolicLink(_folder.Child("gone.yaml"), _folder.Child("nowhere"));
        Directory.CreateDirectory(_folder.Child("folder.yaml"));

        var folder = Load();

        Assert.Equal(["a", "b", "f"], folder.Pipelines.Select(pipeline => pipeline.Name));
        Assert.Equal(["broken.yaml", "cdc.yaml", "empty.yaml", "gone.yaml"], folder.Broken.Select(broken => broken.File));
        Assert.Contains("connector postgres-cdc is Flink's", folder.Broken[1].Failure.Message, StringComparison.Ordinal);
        Assert.All(folder.Broken, broken => Assert.NotEmpty(broken.Failure.Remedy));
    }

    [Fact]
    public void Two_files_of_one_name_are_both_left_out()
    {
        Put("a.yaml", Yaml("same"));
        Put("b.yaml", Yaml("Same"));
        Put("c.yaml", Yaml("other"));

        var folder = Load();

        Assert.Equal(["other"], folder.Pipelines.Select(pipeline => pipeline.Name));
        Assert.Equal(["a.yaml", "b.yaml"], folder.Broken.Select(broken => broken.File));
        Assert.All(folder.Broken, broken => Assert.StartsWith("a.yaml and b.yaml define pipelines of one name", broken.Failure.Message, StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("b:9092")]
    [InlineData("c:9092, B:9092")]
    public void Two_files_whose_triggers_would_share_a_group_are_both_left_out_and_the_others_are_served(string sameBrokers)
    {
        Put("a.yaml", Yaml("a", group: "g"));
        Put("b.yaml", Yaml("b", brokers: sameBrokers, group: "g"));
        Put("c.yaml", Yaml("c", topic: "u", group: "g"));
        Put("d.yaml", Yaml("d", brokers: "other:9092", group: "g"));
        Put("e.yaml", Yaml("e", group: "h"));

        var folder = Load();

        Assert.Equal(["c", "d", "e"], folder.Pipelines.Select(pipeline => pipeline.Name));
        Assert.Equal(["a.yaml", "b.yaml"], folder.Broken.Select(broken => broken.File));
        Assert.All(folder.Broken, broken =>
        {
            Assert.Equal("a.yaml (source s) and b.yaml (source s) read topic 't' in one consumer group, 'g': their triggers would share its partitions out, and each would be handed only some of the records.", broken.Failure.Message);
            Assert.Equal("Give each of these sources a consumer_group of its own. A topic that goes into several tables can also be one source with several sinks.", broken.Failure.Remedy);
        });
    }

    [Fact]
    public void Two_sources_of_one_file_may_not_share_a_group_on_one_topic_either()
    {
        Put("a.yaml", """
            metadata: { name: a }
            sources:
              s: { type: kafka, connection: "b:9092", topic: t, consumer_group: g, format: raw }
              u: { type: kafka, connection: "b:9092", topic: t, consumer_group: g, format: raw }
            sinks:
              k: { type: iceberg, input: s, table: n.t }
              m: { type: iceberg, input: u, table: n.v }
            """);

        var broken = Assert.Single(Load().Broken);

        Assert.StartsWith("a.yaml (source s) and a.yaml (source u) read topic 't' in one consumer group", broken.Failure.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Of_two_files_of_one_name_no_third_one_is_left_out_for_their_group()
    {
        Put("a.yaml", Yaml("same", group: "g"));
        Put("b.yaml", Yaml("same", group: "g"));
        Put("c.yaml", Yaml("other", group: "g"));

        Assert.Equal(["other"], Load().Pipelines.Select(pipeline => pipeline.Name));
    }

    [Fact]
    public void Each_source_has_a_function_through_which_it_is_found()
    {
        Put("a.yaml", """
            metadata: { name: a }
            sources:
              s: { type: kafka, connection: "b:9092", topic: t, consumer_group: g, format: raw }
              u: { type: kafka, connection: "b:9092", topic: v, consumer_group: g, format: raw }
            sinks:
              k: { type: iceberg, input: s, table: n.t }
              l: { type: iceberg, input: s, table: n.u }
              m: { type: iceberg, input: u, table: n.v }
            """);

        var folder = Load();

        Assert.Equal(["ingest-a-s", "ingest-a-u"], folder.Pipelines.Single().Triggers.Select(trigger => trigger.Function));
        Assert.Equal("v", folder.FindFunction("ingest-a-u")!.Value.Source.Topic);
        Assert.Null(folder.FindFunction("ingest"));
        Assert.Null(folder.Find("A"));
    }
}
