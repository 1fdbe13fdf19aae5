using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Matih.Definition;
using Matih.Delivery;
using Matih.Flink;

namespace Matih.Hosting.Flink;

/// <summary>What manifests for Kubernetes need to know beside the definition.</summary>
/// <param name="Image">Flink's image, with the connectors and file systems that the job needs.</param>
/// <param name="MatihImage">The image of this program.</param>
/// <param name="StateFolder">Where checkpoints, savepoints and what a new JobManager has to know are kept: an address that every pod reaches.</param>
public sealed record ManifestRequest(string Image, string MatihImage, string StateFolder)
{
    /// <summary>The Secret that holds the variables and files of the definition; null is the pipeline's name.</summary>
    public string? SecretName { get; init; }

    /// <summary>Null leaves the namespace to whoever applies the manifests.</summary>
    public string? Namespace { get; init; }

    /// <summary>The service account of Flink's pods, which the operator makes for each namespace that it watches.</summary>
    public string ServiceAccount { get; init; } = "flink";

    /// <summary>Changes of the definition, each as <c>path=value</c>.</summary>
    public IReadOnlyList<string> Overrides { get; init; } = [];

    /// <summary>Further arguments of <c>matih deploy</c>.</summary>
    public IReadOnlyList<string> DeployArguments { get; init; } = [];
}

/// <summary>
/// A pipeline as manifests for the Flink Kubernetes Operator: a session cluster (<c>FlinkDeployment</c>), its SQL Gateway, and a Job
/// that runs <c>matih deploy</c>. Application mode would need a program in Java that runs SQL; this way everything that
/// guards a deployment from here guards it there.
/// </summary>
/// <remarks>Keys of <c>FlinkDeployment</c> as in the operator's resource definition (flink.apache.org/v1beta1).</remarks>
public static class FlinkManifest
{
    private const int GatewayPort = 8083, JobManagerPort = 8081;

    /// <summary>The operator takes names of at most 45 characters for a FlinkDeployment.</summary>
    private const int NameCharsMax = 45 - 8;

    private const string DefinitionFolder = "/etc/matih";
    private const string DefinitionFile = "pipeline.yaml";

    /// <exception cref="PipelineException">The definition holds what must not be in a manifest, or what pods cannot reach.</exception>
    public static string Write(LoadedPipeline pipeline, FlinkScript script, ManifestRequest request)
    {
        RequireNoSecret(pipeline, script, request);
        RequireShared(pipeline.Definition);
        var written = WrittenDefinition.Read(DefinitionFile, pipeline.Text);
        var name = NameOf(pipeline.Definition.Metadata.Name);
        var secret = request.SecretName ?? name;
        var variables = written.FindVariables();
        var files = FilesOf(pipeline.Definition, written);
        var text = new StringBuilder();
        WriteHead(text, pipeline.Definition, secret, variables, files);
        WriteConfigMap(text, name, pipeline, script, request);
        WriteCluster(text, name, pipeline.Definition, request);
        WriteGateway(text, name, request);
        WriteJob(text, name, secret, pipeline, variables, files, request);
        return text.ToString();
    }

    private static void RequireNoSecret(LoadedPipeline pipeline, FlinkScript script, ManifestRequest request)
    {
        if (script.FindLiteralSecrets(pipeline.Text).FirstOrDefault() is { } place)
            throw new PipelineException(FailureKind.BadDefinition, $"{place}: the secret stands in the definition itself, and a manifest would hold it.", "Write ${NAME}, { from_env: NAME } or { from_file: PATH }.");
        if (request.Overrides.FirstOrDefault(given => script.Mask(given) != given) is { } shown)
            throw new PipelineException(FailureKind.BadDefinition, $"--set {shown.Split('=', 2)[0]}: the value is a secret, and a manifest would hold it.", "Write ${NAME} into the definition.");
    }

    private static void RequireShared(PipelineDefinition definition)
    {
        foreach (var sink in definition.Sinks)
        {
            var folder = sink.Catalog switch
            {
                CatalogDefinition.File file => file.Warehouse,
                CatalogDefinition.Sql { Database: SqlDatabase.Sqlite sqlite } => sqlite.Path,
                CatalogDefinition.Sql sql => sql.Warehouse,
                _ => null,
            };
            if (folder is null || folder.Contains("://", StringComparison.Ordinal)) continue;
            throw new PipelineException(FailureKind.BadDefinition, $"{sink.TablePosition}: sinks.{sink.Name}.table: catalog '{sink.Catalog.Name}' keeps what is at {folder} on one machine, and the cluster's pods have no folder in common.", "Use a REST or Hive catalog, or a SQL catalog on PostgreSQL, with tables in an object store.");
        }
    }

    /// <summary>Files of secrets and certificates that <c>matih deploy</c> reads, by their paths, with their keys in the Secret.</summary>
    private static ImmutableSortedDictionary<string, string> FilesOf(PipelineDefinition definition, WrittenDefinition written)
    {
        var certificates = definition.Sources.SelectMany(source => source.Connection.Properties).Where(property => property.Key is "ssl.ca.location" or "ssl.certificate.location" or "ssl.key.location").Select(property => property.Value);
        var paths = written.FindFiles().Concat(certificates).Distinct().ToList();
        if (paths.Find(path => !path.StartsWith('/')) is { } relative)
            throw new PipelineException(FailureKind.BadDefinition, $"{relative}: the file is mounted into a pod, and its path is not absolute.", "Write an absolute path, such as /run/secrets/password.");
        return paths.ToImmutableSortedDictionary(path => path, path => string.Concat(path.TrimStart('/').Select(letter => char.IsAsciiLetterOrDigit(letter) || letter is '.' or '_' ? letter : '-')), StringComparer.Ordinal);
    }

    private static void WriteHead(StringBuilder text, PipelineDefinition definition, string secret, ImmutableSortedDictionary<string, bool> variables, ImmutableSortedDictionary<string, string> files)
    {
        text.Append($"# Pipeline {definition.Metadata.Name} on Flink, for the Flink Kubernetes Operator. Written by `matih flink manifest`.\n");
        if (variables.IsEmpty && files.IsEmpty) return;
        text.Append($"# Make the Secret {secret} first. Its keys:\n");
        foreach (var (variable, hasDefault) in variables) text.Append($"#   {variable}: the definition's variable of this name{(hasDefault ? "; it has a default" : "")}\n");
        foreach (var (path, key) in files) text.Append($"#   {key}: the content of {path}\n");
    }

    private static void WriteConfigMap(StringBuilder text, string name, LoadedPipeline pipeline, FlinkScript script, ManifestRequest request)
    {
        Start(text, "v1", "ConfigMap", $"{name}-definition", name, request);
        text.Append("data:\n");
        Block(text, DefinitionFile, pipeline.Text);
        // For people: what will be submitted.
        Block(text, "job.sql", script.ToString());
    }

    private static void WriteCluster(StringBuilder text, string name, PipelineDefinition definition, ManifestRequest request)
    {
        var state = request.StateFolder.TrimEnd('/');
        Start(text, "flink.apache.org/v1beta1", "FlinkDeployment", name, name, request);
        text.Append($"""
            spec:
              image: {Quoted(request.Image)}
              flinkVersion: v1_20
              mode: native
              serviceAccount: {Quoted(request.ServiceAccount)}
              flinkConfiguration:
                taskmanager.numberOfTaskSlots: "{Math.Min(definition.Orchestration.Parallelism, 4)}"
                high-availability.type: kubernetes
                high-availability.storageDir: {Quoted($"{state}/ha")}
                execution.checkpointing.dir: {Quoted($"{state}/checkpoints")}
                execution.checkpointing.savepoint-dir: {Quoted($"{state}/savepoints")}
              jobManager:
                replicas: 1
                resource:
                  memory: 2048m
                  cpu: 1
              taskManager:
                resource:
                  memory: 2048m
                  cpu: 1

            """);
    }

    private static void WriteGateway(StringBuilder text, string name, ManifestRequest request)
    {
        Start(text, "apps/v1", "Deployment", $"{name}-gateway", name, request);
        text.Append($"""
            spec:
              replicas: 1
              selector:
                matchLabels:
                  app.kubernetes.io/instance: {name}
                  app.kubernetes.io/component: gateway
              template:
                metadata:
                  labels:
                    app.kubernetes.io/instance: {name}
                    app.kubernetes.io/component: gateway
                spec:
                  automountServiceAccountToken: false
                  enableServiceLinks: false
                  containers:
                    - name: gateway
                      image: {Quoted(request.Image)}
                      command:
                        - /opt/flink/bin/sql-gateway.sh
                        - start-foreground
                        - -Dsql-gateway.endpoint.rest.address=0.0.0.0
                        - -Dsql-gateway.endpoint.rest.port={GatewayPort}
                        - -Dexecution.target=remote
                        - -Drest.address={name}-rest
                        - -Drest.port={JobManagerPort}
                      ports:
                        - name: rest
                          containerPort: {GatewayPort}
                      readinessProbe:
                        httpGet:
                          path: /v1/info
                          port: rest
                      resources:
                        requests:
                          cpu: 500m
                          memory: 1Gi
                        limits:
                          memory: 1Gi

            """);
        Start(text, "v1", "Service", $"{name}-gateway", name, request);
        text.Append($"""
            spec:
              selector:
                app.kubernetes.io/instance: {name}
                app.kubernetes.io/component: gateway
              ports:
                - name: rest
                  port: {GatewayPort}
                  targetPort: rest

            """);
    }

    private static void WriteJob(StringBuilder text, string name, string secret, LoadedPipeline pipeline, ImmutableSortedDictionary<string, bool> variables, ImmutableSortedDictionary<string, string> files, ManifestRequest request)
    {
        // A Job cannot be changed: another definition is another Job.
        var hash = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Join('\n', [pipeline.Text, request.MatihImage, .. request.Overrides, .. request.DeployArguments]))))[..8];
        Start(text, "batch/v1", "Job", $"{name}-deploy-{hash}", name, request);
        string[] arguments =
        [
            "deploy", $"{DefinitionFolder}/{DefinitionFile}", "--gateway", $"http://{name}-gateway:{GatewayPort}", "--jobmanager", $"http://{name}-rest:{JobManagerPort}",
            "--replace", "--job-id", "$(JOB_UID)", .. request.Overrides.SelectMany(given => new[] { "--set", given }), .. request.DeployArguments,
        ];
        text.Append($$"""
            spec:
              # Until the cluster is there. A repetition has the same job id, and so makes no second job.
              backoffLimit: 20
              podFailurePolicy:
                rules:
                  # 2: the definition is wrong. 5: rows would be lost or doubled. A person has to look.
                  - action: FailJob
                    onExitCodes:
                      operator: In
                      values: [2, 5]
              template:
                metadata:
                  labels:
                    app.kubernetes.io/instance: {{name}}
                    app.kubernetes.io/component: deploy
                spec:
                  restartPolicy: Never
                  automountServiceAccountToken: false
                  enableServiceLinks: false
                  securityContext:
                    runAsNonRoot: true
                    runAsUser: 65532
                    runAsGroup: 65532
                    fsGroup: 65532
                    seccompProfile:
                      type: RuntimeDefault
                  containers:
                    - name: matih
                      image: {{Quoted(request.MatihImage)}}
                      args:

            """);
        foreach (var argument in arguments) text.Append($"            - {Quoted(argument)}\n");
        text.Append("""
                      env:
                        - name: JOB_UID
                          valueFrom:
                            fieldRef:
                              fieldPath: metadata.labels['batch.kubernetes.io/controller-uid']

            """);
        foreach (var (variable, hasDefault) in variables)
        {
            text.Append($"            - name: {variable}\n              valueFrom:\n                secretKeyRef:\n                  name: {Quoted(secret)}\n                  key: {variable}\n");
            if (hasDefault) text.Append("                  optional: true\n");
        }
        text.Append($"""
                      terminationMessagePolicy: FallbackToLogsOnError
                      securityContext:
                        allowPrivilegeEscalation: false
                        readOnlyRootFilesystem: true
                        capabilities:
                          drop: [ALL]
                      resources:
                        requests:
                          cpu: 100m
                          memory: 256Mi
                        limits:
                          memory: 256Mi
                      volumeMounts:
                        - name: definition
                          mountPath: {DefinitionFolder}
                          readOnly: true

            """);
        foreach (var (path, key) in files) text.Append($"            - name: files\n              mountPath: {Quoted(path)}\n              subPath: {Quoted(key)}\n              readOnly: true\n");
        text.Append($"      volumes:\n        - name: definition\n          configMap:\n            name: {name}-definition\n");
        if (!files.IsEmpty) text.Append($"        - name: files\n          secret:\n            secretName: {Quoted(secret)}\n            defaultMode: 0440\n");
    }

    private static void Start(StringBuilder text, string version, string kind, string name, string instance, ManifestRequest request)
    {
        text.Append($"---\napiVersion: {version}\nkind: {kind}\nmetadata:\n  name: {name}\n");
        if (request.Namespace is { } space) text.Append($"  namespace: {Quoted(space)}\n");
        text.Append($"  labels:\n    app.kubernetes.io/name: matih\n    app.kubernetes.io/instance: {instance}\n");
    }

    /// <summary>A text of several lines as it is; one that YAML would not keep so is quoted.</summary>
    private static void Block(StringBuilder text, string key, string content)
    {
        if (content.Any(letter => char.IsControl(letter) && letter != '\n') || !content.EndsWith('\n') || content.EndsWith("\n\n", StringComparison.Ordinal))
        {
            text.Append($"  {key}: {Quoted(content)}\n");
            return;
        }
        text.Append($"  {key}: |2\n");
        foreach (var line in content[..^1].Split('\n')) text.Append(line.Length == 0 ? "\n" : $"    {line}\n");
    }

    /// <summary>JSON's strings are YAML's double-quoted ones.</summary>
    private static string Quoted(string value) => $"\"{JsonEncodedText.Encode(value)}\"";

    /// <summary>A name that Kubernetes takes (RFC 1123 label), with room for endings.</summary>
    private static string NameOf(string pipeline)
    {
        var name = string.Concat(pipeline.ToLowerInvariant().Select(letter => char.IsAsciiLetterOrDigit(letter) ? letter : '-'));
        if (!char.IsAsciiLetterLower(name[0])) name = $"p{name}";
        return name[..Math.Min(name.Length, NameCharsMax)].TrimEnd('-');
    }
}
