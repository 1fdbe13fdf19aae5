using Matih.Definition;
using Matih.Delivery.IcebergTables;
using Matih.Engine.Tests.Delivery;
using Matih.Engine.Tests.Kafka;
using Matih.Engine.Tests.Storage;
using Matih.Iceberg.Catalogs;
using Matih.Iceberg.Manifests;
using Matih.Iceberg.Metadata;
using Matih.Iceberg.Partitioning;
using Matih.Iceberg;
using Matih.Kafka;
using Matih.Kafka.Native;
using Matih.Planning;
using Matih.Storage;

namespace Matih.Engine.Tests.Definition;

/// <summary>What only a run reads is checked at validation: values that <c>validate</c> accepts do not stop a run, and the other way round.</summary>
public sealed class ValidationCoversRunTests(ITestOutputHelper output)
{
    private const string Head = "metadata: { name: p }\nsources:\n  src: { type: kafka, connection: \"localhost:9092\", topic: t, consumer_group: g, format: json, schema: \"ts TIMESTAMP(3), ts_day STRING, id INT, x BINARY(4)\" }\n";

    internal static readonly string[] Values =
        ["", "0", "1", "-1", "5", "99", "128MB", "1_000_000", "1e+06", "1e6", "0x10", " 7", "2147483647", "2147483648", "9223372036854775807", "99999999999999999999", "1.5", "yes", "true", "TRUE",
            "false", "snappy", "orc", "parquet", "zstd", "GZIP", "none", "uncompressed", "counts", "full", "truncate(16)", "truncate(0)", "truncate(x)", "/tmp/data", "s3://b/data", "data", "file:/tmp/d", "é", "6000"];

    /// <summary>
    /// Properties of tables, without those that name a folder (files belong into the test's own) and those that limit a commit's
    /// attempts (two sinks of one table race, so that a commit of a single attempt may rightly fail).
    /// </summary>
    internal static readonly string[] PropertyNames =
        [.. TablePropertyRules.Names.Where(name => !name.EndsWith(".path", StringComparison.Ordinal) && !name.StartsWith("commit.retry.", StringComparison.Ordinal)).Order(StringComparer.Ordinal), "encryption.key-id", "owner", "write.parquet.compresion-codec"];

    private static readonly string[] ClientProperties =
        ["queued.min.messages", "queued.max.messages.kbytes", "fetch.wait.max.ms", "fetch.min.bytes", "socket.timeout.ms", "client.id", "client.rack", "enable.auto.commit.x", "fetch_min_bytes",
            "session.timeout.ms", "max.poll.interval.ms", "statistics.interval.ms", "check.crcs", "socket.keepalive.enable", "broker.address.family", "reconnect.backoff.ms", "fetch.max.bytes"];

    [Theory]
    [InlineData("write.parquet.compression-codec: snappy", "expected zstd, gzip or uncompressed")]
    [InlineData("write.format.default: orc", "expected parquet")]
    [InlineData("write.target-file-size-bytes: 128MB", "expected a whole number from 1 to 9223372036854775807, without a unit")]
    [InlineData("write.distribution-mode: sort", "expected none, hash or range")]
    [InlineData("write.parquet.page-size-bytes: 0", "expected a whole number from 1 to 2147483647, without a unit")]
    [InlineData("write.parquet.compression-level: 99", "expected a level of zstd from 1 to 22")]
    [InlineData("write.metadata.delete-after-commit.enabled: true", "expected false: in a file catalog the metadata files are what keeps two writers apart")]
    [InlineData("write.metadata.metrics.column.idd: full", "'idd' is no column of the query; its columns are ts, ts_day, id, x")]
    [InlineData("write.data.path: \"s3://b/data\"", "expected an absolute path in the same store as the table")]
    [InlineData("format-version: 1", "expected 2 or 3, the versions of Iceberg's format in which tables are created")]
    public void A_table_property_that_the_run_could_not_use_is_an_error_at_its_place(string property, string expected)
    {
        var errors = Plan($"{Head}sinks:\n  lake: {{ type: iceberg, table: db.t, properties: {{ {property} }} }}\n").Errors;

        var error = Assert.Single(errors);
        Assert.Equal((5, $"sinks.lake.properties.{property.Split(": ")[0]}", expected), (error.Line, error.Path, error.Message));
    }

    [Theory]
    [InlineData("type: file, warehouse: \"s3://b/w\"", "write.data.path: \"s3a://b/data\"")]
    [InlineData("type: file, warehouse: \"abfss://c@a.dfs.core.windows.net/w\"", "write.data.path: \"https://a.blob.core.windows.net/c/data\"")]
    [InlineData("type: rest, uri: \"http://catalog\"", "write.data.path: \"s3://b/data\"")]
    [InlineData("type: rest, uri: \"http://catalog\"", "write.metadata.path: \"s3://b/metadata\"")]
    [InlineData("type: rest, uri: \"http://catalog\"", "write.metadata.delete-after-commit.enabled: true")]
    [InlineData("type: sql, uri: \"sqlite:/c.db\", warehouse: \"s3://b/w\"", "write.metadata.path: \"s3n://b/metadata\"")]
    [InlineData("type: sql, uri: \"sqlite:/c.db\", warehouse: \"s3://b/w\"", "write.metadata.delete-after-commit.enabled: true")]
    public void A_table_property_that_its_catalog_can_bear_is_none(string catalog, string property) =>
        Assert.Empty(Plan($"{Head}catalogs: {{ c: {{ {catalog} }} }}\nsinks:\n  lake: {{ type: iceberg, table: db.t, properties: {{ {property} }} }}\n").Errors);

    [Theory]
    [InlineData("type: file, warehouse: \"s3://b/w\"", "write.metadata.path: \"s3://b/metadata\"")]
    [InlineData("type: file, warehouse: \"s3://b/w\"", "write.data.path: /data")]
    [InlineData("type: rest, uri: \"http://catalog\"", "write.data.path: data/x")]
    [InlineData("type: rest, uri: \"http://catalog\"", "write.data.path: \"gs://b/data\"")]
    [InlineData("type: sql, uri: \"sqlite:/c.db\", warehouse: \"s3://b/w\"", "write.metadata.path: \"abfss://c@a.dfs.core.windows.net/m\"")]
    public void A_table_property_that_its_catalog_cannot_bear_is_an_error(string catalog, string property) =>
        Assert.Single(Plan($"{Head}catalogs: {{ c: {{ {catalog} }} }}\nsinks:\n  lake: {{ type: iceberg, table: db.t, properties: {{ {property} }} }}\n").Errors);

    [Fact]
    public void The_format_version_is_taken_and_is_no_property_of_the_table()
    {
        var plan = Plan($"{Head}sinks:\n  lake: {{ type: iceberg, table: db.t, properties: {{ format-version: 3, owner: me }} }}\n");

        var table = Assert.Single(plan.Flows).Plan.Table;
        Assert.Equal("owner", Assert.Single(table.Properties).Key);
        Assert.Equal(3, table.FormatVersion);
    }

    [Fact]
    public void A_partition_field_named_like_a_column_is_refused_with_the_way_to_name_it()
    {
        var error = Assert.Single(Plan($"{Head}sinks:\n  lake: {{ type: iceberg, table: db.t, partition_by: [day(ts)] }}\n").Errors);
        var named = Plan($"{Head}sinks:\n  lake: {{ type: iceberg, table: db.t, partition_by: [day(ts) as on_day] }}\n");

        Assert.Equal("p.yaml:5:54: sinks.lake.partition_by[0]: The partition field 'ts_day' would have the name of a column. Name it otherwise. 'day(ts) AS name' gives the partition field a name.", error.ToString());
        Assert.Equal("on_day", Assert.Single(Assert.Single(named.Flows).Plan.Table.PartitionBy).Name);
    }

    [Theory]
    [InlineData("1e+06")]
    [InlineData("1_000_000")]
    [InlineData("0x10")]
    [InlineData("yes")]
    public void A_number_that_librdkafka_would_read_in_part_is_refused(string value)
    {
        var settings = new KafkaSettings { BootstrapServers = "localhost:1", Properties = new Dictionary<string, string> { ["queued.min.messages"] = value } };

        Assert.Equal("queued.min.messages", Assert.Single(settings.Validate(MockTopic.Library)).Property);
    }

    [Fact]
    public void Properties_that_contradict_each_other_are_refused()
    {
        var settings = new KafkaSettings { BootstrapServers = "localhost:1", Properties = new Dictionary<string, string> { ["ssl.ca.location"] = "/no/such/file.pem", ["security.protocol"] = "ssl" } };

        Assert.Contains("refuses the properties together: ", Assert.Single(settings.Validate(MockTopic.Library)).Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_thousand_random_values_get_the_same_answer_from_validate_and_run()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        output.WriteLine($"seed {seed}");
        using var folder = new TemporaryFolder();
        using var topic = new MockTopic();
        for (var i = 0; i < 1000; i++)
        {
            var (what, isValid, failure) = (i % 10) switch
            {
                < 6 => await TryTableAsync(random, folder.Path, i),
                < 9 => TryPartition(random),
                _ => await TryClientAsync(random, topic),
            };

            Assert.True(isValid == failure is null, $"seed {seed}, case {i}: {what}: validate says {(isValid ? "valid" : "invalid")}, the run {failure ?? "works"}");
        }
    }

    [Fact]
    public async Task Random_definitions_run_where_validate_accepts_them()
    {
        var seed = Environment.TickCount;
        var random = new Random(seed);
        output.WriteLine($"seed {seed}");
        var (validCount, rowCount) = (0, 0L);
        var count = Environment.GetEnvironmentVariable("MATIH_SOAK") == "1" ? 2000 : 150;
        for (var i = 0; i < count; i++)
        {
            var definition = new RandomDefinition(random);
            var records = Enumerable.Range(0, 4).Select(_ => definition.Record()).ToArray();
            try
            {
                if (await RunWhereValidAsync(definition.Text, records, startsTwice: i % 3 == 0) is not { } rows) continue;
                validCount++;
                rowCount += rows;
            }
            catch (Exception failure)
            {
                Assert.Fail($"seed {seed}, case {i}: {failure}\n{definition.Text}\n{string.Join('\n', records)}");
            }
        }

        output.WriteLine($"{validCount} were valid, and gave {rowCount} rows");
        Assert.True(validCount >= count / 30 && rowCount > 0, $"seed {seed}: {validCount} were valid, and gave {rowCount} rows");
    }

    /// <summary>The rows that a run wrote, or two, the second of which finds the table that the first has created; null where validation refuses.</summary>
    private static async Task<long?> RunWhereValidAsync(string text, string[] records, bool startsTwice)
    {
        var read = DefinitionReader.Read("p.yaml", text, Samples.Inputs());
        if (!read.IsValid || !PipelinePlanner.Plan(read.Definition).IsValid) return null;
        using var flow = new FlowHarness(partitionCount: 1) { Definition = text };
        var rowCount = 0L;
        foreach (var part in startsTwice ? [records[..^1], records[^1..]] : (string[][])[records])
        {
            foreach (var record in part) flow.Topic.Append(0, record, key: "k");
            await flow.CatchUpAsync();
            rowCount += flow.Progress.Sum(progress => progress.CommittedRowCount);
        }
        if (startsTwice) await flow.AssertVerifiesAsync();
        return rowCount;
    }

    private static async Task<(string What, bool IsValid, string? Failure)> TryTableAsync(Random random, string folder, int number)
    {
        string[] names = [.. TablePropertyRules.Names.Except(["format-version", "write.metadata.path"]).Order(StringComparer.Ordinal), "write.metadata.metrics.column.id", "encryption.key-id", "owner"];
        var properties = Enumerable.Range(0, random.Next(1, 3)).Select(_ => names[random.Next(names.Length)]).Distinct()
            .ToDictionary(name => name, _ => random.Next(3) == 0 ? random.NextInt64(-10, 1L << random.Next(1, 62)).ToString(System.Globalization.CultureInfo.InvariantCulture) : Values[random.Next(Values.Length)]);
        var sorted = TableMetadata.EmptyProperties.SetItems(properties);
        var isValid = !TablePropertyRules.FaultsOfNew(sorted, ["id"], folder, namesMetadata: false).Any();
        var schema = Schema.FromRow(new Matih.Batches.RowType([new Matih.Batches.Field("id", new Matih.Batches.DataType.Int())]));
        var catalog = new FileCatalog(new LocalStore(new SeededIdSource(number)), folder, new SeededIdSource(number), TimeProvider.System);
        string? failure = null;
        try
        {
            var (table, _) = await catalog.CreateAsync(new TableIdentifier(["db"], $"t{number}"), new NewTable(schema, PartitionSpec.Unpartitioned, sorted), CancellationToken.None);
            WritableTable.Check(table);
            var settings = new TableSettings(table.Metadata.Properties);
            IcebergVersion.ParquetSettings(settings).Validate();
            _ = new MetricsSelection(table.Metadata);
            _ = (settings.CommitRetryCountMax, settings.CommitRetryWaitMin, settings.CommitRetryWaitMax, settings.CommitRetryTotalMax, settings.IsManifestMergeEnabled, settings.ManifestMergeCountMin,
                settings.ManifestTargetBytes, settings.TargetFileBytes, settings.DistributionMode, settings.MetadataLogCountMax);
            _ = LocalPath.Of(new TableFiles(table.Metadata).DataLocation(PartitionKey.Of(PartitionSpec.Unpartitioned, [], []), "f.parquet"));
        }
        catch (UnsupportedTableException refusal)
        {
            Assert.Contains(properties.Keys, name => refusal.Message.Contains(name, StringComparison.Ordinal));
            failure = refusal.Message;
        }
        return (string.Join(", ", properties), isValid, failure);
    }

    private static (string What, bool IsValid, string? Failure) TryPartition(Random random)
    {
        string[] columns = ["ts", "ts_day", "id", "x"];
        string[] transforms = ["{0}", "year({0})", "day({0})", "hour({0})", "bucket(4, {0})", "truncate(2, {0})"];
        string[] names = ["", "", " AS ts_day", " AS id", " AS other", " AS ts_day_2"];
        var entries = Enumerable.Range(0, random.Next(1, 4))
            .Select(_ => string.Format(System.Globalization.CultureInfo.InvariantCulture, transforms[random.Next(transforms.Length)], columns[random.Next(columns.Length)]) + names[random.Next(names.Length)]).ToArray();
        var text = $"{Head}sinks:\n  lake: {{ type: iceberg, table: db.t, partition_by: [{string.Join(", ", entries.Select(entry => $"'{entry}'"))}] }}\n";
        var result = DefinitionReader.Read("p.yaml", text, Samples.Inputs());
        if (result.Definition is null) return (text, false, "not read");
        var plan = PipelinePlanner.Plan(result.Definition);
        if (!plan.IsValid) return (text, false, plan.Errors[0].Message);
        var table = plan.Flows[0].Plan.Table;
        var spec = PartitionSpec.Create(Schema.FromRow(table.Rows), table.PartitionBy.Select(request => (request.Column, request.Transform, request.Name)));
        Assert.Equal(entries.Length, spec.Fields.Length);
        return (text, true, null);
    }

    private static async Task<(string What, bool IsValid, string? Failure)> TryClientAsync(Random random, MockTopic topic)
    {
        var properties = Enumerable.Range(0, random.Next(1, 3)).Select(_ => ClientProperties[random.Next(ClientProperties.Length)]).Distinct()
            .ToDictionary(name => name, _ => Values[random.Next(Values.Length)]);
        var settings = topic.Settings with { Properties = properties };
        var isValid = settings.Validate(MockTopic.Library).Count == 0;
        string? failure = null;
        try
        {
            await using var source = topic.Open(settings);
            await source.AssignAsync([new PartitionPosition(0, 0)], 1, 1, CancellationToken.None);
        }
        catch (SourceException refusal)
        {
            failure = refusal.Message;
        }
        return (string.Join(", ", properties), isValid, failure);
    }

    private static PlanResult Plan(string text) => PipelinePlanner.Plan(Samples.Valid(text));
}
