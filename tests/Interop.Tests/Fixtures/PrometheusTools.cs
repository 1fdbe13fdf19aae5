using System.Text.Json;

namespace Matih.Fixtures;

/// <summary>A sample as Prometheus' own Python client reads it.</summary>
public sealed record PrometheusSample(string Name, IReadOnlyDictionary<string, string> Labels, double Value);

/// <summary>A metric family as that client reads it.</summary>
public sealed record PrometheusFamily(string Name, string Type, string Help, IReadOnlyList<PrometheusSample> Samples);

/// <summary>
/// Two independent readers of Prometheus' text format: <c>promtool check metrics</c>, which has the server's own parser and its
/// rules for names, and the Python client's parser. From Debian's packages, unpacked once into the tools cache and not installed.
/// </summary>
public static class PrometheusTools
{
    private const string Parser = """
        import json, math, sys
        from prometheus_client.parser import text_string_to_metric_families
        def number(value): return value if math.isfinite(value) else str(value)
        print(json.dumps([{"name": f.name, "type": f.type, "help": f.documentation,
            "samples": [{"name": s.name, "labels": s.labels, "value": number(s.value)} for s in f.samples]}
            for f in text_string_to_metric_families(sys.stdin.read())]))
        """;

    /// <summary>What promtool has to say against the text; empty where it is in order. Skips the test where real components are declined.</summary>
    public static async Task<string> LintAsync(string text)
    {
        var folder = await EnsureAsync();
        var output = await WithInputAsync(text, $"'{folder}/usr/bin/promtool' check metrics");
        return output.ExitCode == 0 ? output.StandardError : $"exit code {output.ExitCode}: {output.StandardError}{output.StandardOutput}";
    }

    /// <summary>The text's families. Skips the test where real components are declined.</summary>
    public static async Task<IReadOnlyList<PrometheusFamily>> ReadAsync(string text)
    {
        var folder = await EnsureAsync();
        var script = Path.Combine(TemporaryDirectory.New(), "parse.py");
        await File.WriteAllTextAsync(script, Parser);
        var output = await WithInputAsync(text, $"PYTHONPATH='{folder}/usr/lib/python3/dist-packages' python3 '{script}'");
        return JsonSerializer.Deserialize<PrometheusFamily[]>(output.Expect().StandardOutput, JsonSerializerOptions.Web)!;
    }

    private static async Task<ProcessOutput> WithInputAsync(string text, string command)
    {
        var input = Path.Combine(TemporaryDirectory.New(), "metrics.txt");
        await File.WriteAllTextAsync(input, text);
        return await ExternalProcess.RunAsync("/bin/sh", ["-c", $"{command} < '{input}'"]);
    }

    private static async Task<string> EnsureAsync()
    {
        if (SharedTools.IsDeclined) Assert.Skip("needs Prometheus' tools, declined by MATIH_SHARED=none");
        var folder = Path.Combine(ToolsCache.Folder, "prometheus-tools");
        // flock lets one process unpack them while others wait; what is unpacked by half has no mark and is unpacked again.
        const string script = $$"""
            set -eu
            [ -e "$1/.ready" ] && exit 0
            mkdir -p "$(dirname "$1")"
            exec 9> "$1.lock"; flock 9
            [ -e "$1/.ready" ] && exit 0
            rm -rf "$1"; mkdir -p "$1"; cd "$1"
            {{DebianPackages.WithApt}}
            apt_get download prometheus python3-prometheus-client
            for package in *.deb; do dpkg -x "$package" .; rm "$package"; done
            touch .ready
            """;
        (await ExternalProcess.RunAsync("/bin/sh", ["-c", script, "sh", folder], ExternalProcess.InstallationMax)).Expect();
        return folder;
    }
}
