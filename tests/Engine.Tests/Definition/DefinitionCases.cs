using System.Text;
using System.Text.RegularExpressions;
using Matih.Definition;

namespace Matih.Engine.Tests.Definition;

/// <summary>
/// Cases as data. In <c>keys.cases</c> a line is <c>section | entry ⇶ outcome</c>: the entry is put into a section of a valid
/// definition in place of the key it names. In <c>files.cases</c> a case is a whole file. Outcomes are pinned text.
/// </summary>
internal static class DefinitionCases
{
    /// <summary>Set to 1 to write found outcomes into the case files, which then are read before they are committed.</summary>
    public static readonly bool IsUpdating = Environment.GetEnvironmentVariable("MATIH_UPDATE_GENERATED") == "1";

    /// <summary>The definition that entries are put into; sections begin at their header lines.</summary>
    private const string Base =
        """
        metadata:
          name: p
        connections:
          main:
            bootstrap_servers: b:9092
            security:
              protocol: sasl_ssl
              mechanism: PLAIN
              username: u
              password: ${PASSWORD}
          tokens:
            bootstrap_servers: b:9092
            security:
              protocol: sasl_ssl
              mechanism: OAUTHBEARER
              oauth:
                client_id: c
                client_secret: ${PASSWORD}
                token_endpoint_url: https://id.example.com/token
        catalogs:
          store:
            type: file
            warehouse: /data
        sources:
          clicks:
            type: kafka
            connection: main
            topic: web.clicks
            consumer_group: g
            format: json
            schema:
              - name: id
                type: BIGINT
            json:
              timestamp_format: sql
        transformations:
          - name: parsed
            type: sql_transform
            input: clicks
            sql: SELECT * FROM {{ input }}
        sinks:
          lake:
            type: iceberg
            table: a.b.t
            catalog: store
        orchestration:
          engine: matih
        tests:
          - name: all
            input: [{ id: 1 }]
            expect:
              rows: [{ id: 1 }]
        registries:
          schemas:
            url: https://registry.example.com
        """;

    private static readonly Dictionary<string, (string Header, int Occurrence)> Sections = new(StringComparer.Ordinal)
    {
        ["metadata"] = ("metadata:", 1),
        ["connection"] = ("  main:", 1),
        ["security"] = ("    security:", 1),
        ["oauth"] = ("      oauth:", 1),
        ["catalog"] = ("  store:", 1),
        ["registry"] = ("  schemas:", 1),
        ["source"] = ("  clicks:", 1),
        ["json"] = ("    json:", 1),
        ["step"] = ("  - name: parsed", 1),
        ["sink"] = ("  lake:", 1),
        ["orchestration"] = ("orchestration:", 1),
        ["test"] = ("  - name: all", 1),
    };

    public static string PathOf(string name) => IsUpdating
        ? Samples.RepositoryFile("tests/Engine.Tests/Definition/" + name)
        : Path.Combine(AppContext.BaseDirectory, "Definition", name);

    /// <summary>Reads the base definition with the entry; <c>\n</c> in it stands for a line break.</summary>
    public static DefinitionResult Read(string section, string entry)
    {
        var lines = Base.Split('\n').ToList();
        var given = entry.Replace("\\n", "\n", StringComparison.Ordinal);
        if (section == "root")
        {
            RemoveKey(lines, 0, "", given);
            lines.Add(given);
        }
        else
        {
            var (header, _) = Sections[section];
            var at = lines.IndexOf(header);
            var indentation = new string(' ', section is "step" or "test" ? 4 : header.TakeWhile(c => c == ' ').Count() + 2);
            RemoveKey(lines, at + 1, indentation, given);
            lines.InsertRange(at + 1, given.Split('\n').Select(line => indentation + line));
        }
        return DefinitionReader.Read("p.yaml", string.Join('\n', lines) + "\n", Inputs);
    }

    public static DefinitionInputs Inputs { get; } = Samples.Inputs(
        ("PASSWORD", "planted-secret"), ("NAME", "from-env"), ("N", "7"), ("BAD", "planted-secret"), ("EMPTY", ""), ("BROKERS", "b1:9092,b2:9092")) with
    {
        ReadSecretFile = path => path switch
        {
            "/run/secrets/password" => "planted-secret\n",
            "/base/password.txt" => "planted-secret\r\n",
            "/empty" => "\n",
            "/denied" => throw new UnauthorizedAccessException("planted-secret"),
            _ => throw new FileNotFoundException("no such file", path),
        },
    };

    private static void RemoveKey(List<string> lines, int from, string indentation, string entry)
    {
        foreach (var line in entry.Split('\n').Where(line => !line.StartsWith(' '))) RemoveOne(lines, from, indentation, indentation + line.Split(':')[0] + ":");
    }

    private static void RemoveOne(List<string> lines, int from, string indentation, string key)
    {
        for (var i = from; i < lines.Count && (indentation.Length == 0 || lines[i].StartsWith(indentation, StringComparison.Ordinal)); i++)
        {
            if (!lines[i].StartsWith(key, StringComparison.Ordinal)) continue;
            do lines.RemoveAt(i); while (i < lines.Count && lines[i].StartsWith(indentation + " ", StringComparison.Ordinal));
            return;
        }
    }

    /// <summary>The errors, or <c>ok</c> with the values that the section's entry became.</summary>
    public static string Outcome(DefinitionResult result, string section)
    {
        if (!result.IsValid) return string.Join(" ¦ ", result.Errors).Replace("p.yaml:", "", StringComparison.Ordinal);
        var definition = result.Definition;
        var (source, sink) = (definition.Sources[0], definition.Sinks[0]);
        var warnings = string.Concat(result.Warnings.Select(warning => " ¦ warning " + warning)).Replace("p.yaml:", "", StringComparison.Ordinal);
        return "ok " + section switch
        {
            "metadata" => $"{definition.Metadata.Name} v={definition.Metadata.Version} o={definition.Metadata.Owner} d={definition.Metadata.Description} {string.Join(' ', definition.Metadata.Labels)}",
            "connection" or "security" => Properties(definition.Connections[0].Kafka),
            "oauth" => Properties(definition.Connections[1].Kafka),
            "registry" => Pairs(definition.Registries[0].ToString()),
            "catalog" => string.Join(' ', definition.Catalogs.Select(Show)),
            "source" => $"{Properties(source.Connection)} {source.Topic} {source.Format} {source.Start} {source.Schema} {source.OnError} {source.OnLostOffsets} registry={source.SchemaRegistry?.Address}",
            "json" => source.Json.ToString(),
            "step" => $"{definition.Transformations[0].Name} < {definition.Transformations[0].Input}: {definition.Transformations[0].Sql.Text.ReplaceLineEndings("\\n")}",
            "sink" => $"{Show(sink.Catalog)} {sink.Table} {sink.Mode} by [{string.Join("; ", sink.PartitionBy.Select(entry => $"{entry.Transform} {entry.Parameter} {entry.Column}"))}] create={sink.CreatesTable} {sink.TargetFileBytes?.ToString(System.Globalization.CultureInfo.InvariantCulture) ?? "-"} {string.Join(' ', sink.Properties)} < {sink.Input}{(sink.Branch == "main" ? "" : $" @{sink.Branch}")}{(sink.SchemaEvolution == 0 ? "" : $" {sink.SchemaEvolution}")}{string.Concat(sink.SnapshotProperties.Select(pair => $" {pair}"))}",
            "orchestration" => definition.Orchestration.ToString(),
            "test" => Show(definition.Tests[0]),
            _ => "",
        } + warnings;
    }

    private static string Show(TestDefinition test)
    {
        var input = test.Input switch
        {
            TestInput.Records records => string.Join(' ', records.Items.Select(item =>
                $"{item.Partition}/{item.Offset}@{item.Timestamp?.ToString("O")} {item.Key} {(item.Value is { } value ? Encoding.UTF8.GetString(value.Span) : "~")} [{string.Join(' ', item.Headers)}]")),
            _ => test.Input.ToString(),
        };
        var expected = test.Expected;
        var rows = expected.Rows is TestRows.Listed listed ? string.Join(' ', listed.Rows.Select(row => $"({string.Join(' ', row.Values.Select(value => $"{value.Column}={Encoding.UTF8.GetString(value.Json.Span)}"))})")) : expected.Rows?.ToString() ?? "-";
        var rejected = expected.Rejected is TestRejections.Reasons reasons ? string.Join(';', reasons.Parts) : expected.Rejected.ToString();
        return $"{test.Name} > {test.Sink} now={test.Now?.ToString("O")}: {input} → {rows} ordered={expected.IsOrdered} rejected={rejected} filtered={expected.FilteredCount}";
    }

    private static string Properties(KafkaConnection connection) => string.Join(' ', connection.Properties
        .Where(pair => pair.Key is not ("bootstrap.servers" or "security.protocol") || pair.Value is not ("b:9092" or "sasl_ssl"))
        .Select(pair => $"{pair.Key}={pair.Value.Replace("planted-secret", "<secret>", StringComparison.Ordinal).ReplaceLineEndings("\\n")}"));

    /// <summary>What is not as it is by default.</summary>
    public static string Show(CatalogDefinition catalog)
    {
        var text = catalog.ToString()
            .Replace($"Stores = {StoreAccess.Default}, ", "", StringComparison.Ordinal).Replace($", Stores = {StoreAccess.Default}", "", StringComparison.Ordinal)
            .Replace($"S3 = {StoreAccess.Default.S3}, ", "", StringComparison.Ordinal).Replace($", Azure = {StoreAccess.Default.Azure}", "", StringComparison.Ordinal);
        text = Regex.Replace(text, @"\w+ = , ", "");
        text = Regex.Replace(text, @",? ?\w+ =  \}", " }");
        return Pairs(text);
    }

    private static string Pairs(string text) => Regex.Replace(text, @"System\.Collections[^\]]*\]", "(pairs)");
}
