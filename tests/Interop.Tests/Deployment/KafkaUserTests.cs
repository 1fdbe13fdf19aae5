using System.Text.Json;
using System.Text.RegularExpressions;
using Matih.Fixtures;
using Matih.Interop.Tests.Delivery;

namespace Matih.Interop.Tests.Deployment;

/// <summary>
/// The rules (ACLs) of the KafkaUser, on a real broker that allows nothing else: the pod's own command line on the ConfigMap's own
/// definition works with all of them, and says what it misses without any one.
/// </summary>
public sealed class KafkaUserTests
{
    private const int RecordsOfARound = 10;

    /// <summary>Each runs the pod once for each rule: the soak has them all.</summary>
    public static TheoryData<string> Folders => Soak.IsOn ? ["continuous", "members", "once"] : ["continuous"];

    [Theory, LongTest]
    [MemberData(nameof(Folders))]
    public async Task Its_rules_are_enough_and_none_is_too_many(string folder)
    {
        var rendered = await Kustomization.RenderAsync(folder);
        var rules = RulesOf(rendered);
        await using var broker = await KafkaBroker.StartAsync(secure: true, "allow.everyone.if.no.acl.found=false");
        var client = await broker.ClientAsync();
        var pipeline = new MountedPipeline(rendered);
        await client.CreateTopicAsync(pipeline.Topic, 3);
        foreach (var rule in rules) await client.AddAclAsync(broker.User, allow: true, rule.Right, rule.Resource, rule.Name);
        var pod = new Pod(pipeline, broker, TemporaryDirectory.New());

        await ProduceAsync(client, pipeline.Topic);
        var log = await pod.RunUntilCommittedAsync();

        Assert.DoesNotContain(log, line => line.Contains("\"level\":\"warning\"", StringComparison.Ordinal) || line.Contains("authorization", StringComparison.OrdinalIgnoreCase));

        foreach (var rule in rules)
        {
            await client.RemoveAclAsync(broker.User, rule.Right, rule.Resource, rule.Name);
            await ProduceAsync(client, pipeline.Topic);

            await pod.RunUntilRefusedAsync(rule);

            await client.AddAclAsync(broker.User, allow: true, rule.Right, rule.Resource, rule.Name);
        }
        await ProduceAsync(client, pipeline.Topic);
        await pod.RunUntilCommittedAsync();
        Assert.Equal(RecordsOfARound * (rules.Length + 2), await pod.VerifiedRowsAsync());
    }

    private static Rule[] RulesOf(Kustomization rendered) =>
    [
        .. from acl in rendered.Single("KafkaUser")["spec"]["authorization"]["acls"].Items
           from operation in acl["operations"].Texts
           let resource = acl["resource"]
           select resource["patternType"].Text == "literal"
               ? new Rule(operation.ToUpperInvariant(), resource["type"].Text.ToUpperInvariant(), resource["name"].Text)
               : throw new InvalidOperationException($"The rule on {resource["name"].Text} is no literal one; this test knows no others."),
    ];

    private static Task ProduceAsync(KafkaClient client, string topic) => client.ProduceTextAsync(
        topic, Enumerable.Range(0, RecordsOfARound).Select(i => $$"""{"user_id":"u{{i}}","page_url":"/{{i}}","event_timestamp":"2026-05-01 12:00:0{{i}}.000Z"}"""));

    private sealed record Rule(string Right, string Resource, string Name);

    /// <summary>The command as the pod runs it; the files of its secrets, the broker and the warehouse are the test's.</summary>
    private sealed class Pod
    {
        private readonly MountedPipeline _pipeline;
        private readonly string _folder;
        private readonly string[] _options;

        public Pod(MountedPipeline pipeline, KafkaBroker broker, string folder)
        {
            _pipeline = pipeline;
            _folder = folder;
            var password = Path.Combine(folder, "password");
            File.WriteAllText(password, broker.Password);
            pipeline.WriteTo(folder);
            _options =
            [
                .. pipeline.With(password, broker.CaPath),
                "--set", $"connections.lake.bootstrap_servers={broker.SaslSsl}", "--set", $"connections.lake.security.username={broker.User}",
                "--set", $"catalogs.lake.warehouse={Path.Combine(folder, "warehouse")}", "--set", "catalogs.lake.s3=",
                "--set", "orchestration.checkpoint_interval=300ms", "--set", "orchestration.idle_timeout=2s",
            ];
        }

        /// <summary>Runs until a commit holds the new records, then ends it as Kubernetes does; the result is its log.</summary>
        public async Task<IReadOnlyList<string>> RunUntilCommittedAsync()
        {
            await using var run = Start();
            await OrderPipeline.WaitForRowsAsync(run, 1);
            run.Send(ProcessSignal.Terminate);
            (await run.WaitForExitAsync()).Expect();
            return run.Error.Lines;
        }

        /// <summary>Runs until the log names the right that is missing.</summary>
        public async Task RunUntilRefusedAsync(Rule rule)
        {
            // A longer name that begins with this one is another one.
            var missing = new Regex($@"needs the rights? .*\b{rule.Resource} {Regex.Escape(rule.Name)}(?!\.?\w)", RegexOptions.IgnoreCase);
            await using var run = Start();
            await run.Error.WaitForAsync(missing.IsMatch);
        }

        public async Task<long> VerifiedRowsAsync()
        {
            var output = await MatihProcess.RunAsync(["verify", _pipeline.FileName, "--json", .. _options], _folder);
            using var report = JsonDocument.Parse(output.Expect().StandardOutput);
            return report.RootElement.GetProperty("flows")[0].GetProperty("added_rows").GetInt64();
        }

        private ExternalProcess Start() => MatihProcess.Start([.. _pipeline.Arguments, "--log", "json", "--health", "0", .. _options], _folder);
    }
}
