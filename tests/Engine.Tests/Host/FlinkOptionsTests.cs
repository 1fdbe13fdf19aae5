using System.CommandLine;
using Matih.Engine.Tests.Hosting;
using Matih.Host.Commands;
using Matih.Host.Output;

namespace Matih.Engine.Tests.Host;

public sealed class FlinkOptionsTests : IDisposable
{
    private const string Definition = """
        connections:
          main: { type: kafka, bootstrap_servers: "b:9093", security: { protocol: sasl_ssl, mechanism: PLAIN, username: matih, password: "${UNSET_PASSWORD}" } }
        metadata: { name: clicks }
        sources:
          clicks: { type: kafka, connection: main, topic: "${TOPIC:-web.clicks}", consumer_group: g, format: json }
        sinks:
          lake: { type: iceberg, table: "web.clicks", mode: append }
        orchestration: { engine: flink }
        """;

    private readonly string _file = Path.Combine(Directory.CreateTempSubdirectory("flink-sql").FullName, "p.yaml");

    [Fact]
    public void A_script_is_printed_without_the_values_of_secrets()
    {
        var printed = Print(Definition, isToPrint: true).Job?.Script.ToString();

        Assert.Contains("password=\"${UNSET_PASSWORD}\"", printed, StringComparison.Ordinal);
        Assert.Contains("'topic' = 'web.clicks'", printed, StringComparison.Ordinal);
        Assert.DoesNotContain("unset-", printed, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("\"web.clicks\"", "\"${UNSET_TABLE}.clicks\"", "sinks.lake.table: the environment variable UNSET_TABLE is not set")]
    [InlineData("b:9093", "${UNSET_HOST}:9093", "connections.main.bootstrap_servers: the environment variable UNSET_HOST is not set")]
    public void What_is_printed_has_to_be_known(string text, string other, string expected) =>
        Assert.Contains(expected, Print(Definition.Replace(text, other, StringComparison.Ordinal), isToPrint: true).Errors, StringComparison.Ordinal);

    [Fact]
    public void A_deployment_needs_all_values() =>
        Assert.Contains("connections.main.security.password: the environment variable UNSET_PASSWORD is not set", Print(Definition, isToPrint: false).Errors, StringComparison.Ordinal);

    [Theory]
    [InlineData("clicks", "clicks")]
    [InlineData("SELECT *\nFROM t", "SELECT * FROM t")]
    [InlineData("insert-into_some_catalog.some_database.a_table_with_a_long_name_of_somebody", "insert-into_some_catalog.some_database.a_table_with_a_long_…")]
    public void A_job_s_name_takes_one_line_of_a_list_and_no_more_than_its_column(string name, string shown) => Assert.Equal(shown, FlinkJobText.NameInList(name));

    private (GeneratedJob? Job, string Errors) Print(string definition, bool isToPrint)
    {
        File.WriteAllText(_file, definition);
        var options = new FlinkOptions();
        var command = new Command("sql");
        options.AddTo(command);
        var arguments = command.Parse([]);
        var errors = new StringWriter();
        var job = isToPrint ? options.GenerateToPrint(arguments, _file, Settings.Of(), errors) : options.Generate(arguments, _file, Settings.Of(), errors);
        return (job, errors.ToString());
    }

    public void Dispose() => Directory.Delete(Path.GetDirectoryName(_file)!, recursive: true);
}
