using System.Text.RegularExpressions;
using Matih.Fixtures;

namespace Matih.Engine.Tests.Repository;

/// <summary>Carries out the marked examples of a document, in order, in one directory.</summary>
internal static class DocumentRun
{
    public static async Task RunAsync(MarkdownDocument document, string directory)
    {
        Directory.CreateDirectory(Path.Combine(directory, "bin"));
        File.CreateSymbolicLink(Path.Combine(directory, "bin", "matih"), Path.Combine(AppContext.BaseDirectory, "matih"));
        var samples = Path.Combine(SourceTree.Root, "samples");
        if (Directory.Exists(samples)) Directory.CreateSymbolicLink(Path.Combine(directory, "samples"), samples);

        var output = "";
        foreach (var step in document.Steps)
        {
            var place = $"{Path.GetFileName(document.Path)}:{step.Line}";
            switch (step)
            {
                case DocumentStep.WriteFile file:
                    var path = Path.Combine(directory, file.Name);
                    Directory.CreateDirectory(Path.GetDirectoryName(path)!);
                    await File.WriteAllTextAsync(path, file.Text);
                    break;
                case DocumentStep.RunScript script:
                    var result = await RunScriptAsync(script.Text, directory);
                    output = result.StandardOutput + result.StandardError;
                    Assert.True(result.ExitCode == script.ExitCode, $"{place}: exit code {result.ExitCode}, expected {script.ExitCode}\n{script.Text}\n{output}");
                    break;
                case DocumentStep.ExpectOutput expected:
                    AssertOccursInOrder(expected.Text, output, place);
                    break;
            }
        }
    }

    private static Task<ProcessOutput> RunScriptAsync(string script, string directory) => ExternalProcess.RunAsync(
        "/bin/sh", ["-euc", script], workingDirectory: directory,
        environment: new Dictionary<string, string?>
        {
            ["PATH"] = $"{AppContext.BaseDirectory}:{Environment.GetEnvironmentVariable("PATH")}",
            // A user's own settings must not decide what the examples do.
            ["MATIH_CATALOG"] = null,
            ["MATIH_WAREHOUSE"] = null,
        });

    private static void AssertOccursInOrder(string expected, string output, string place)
    {
        var lines = output.Split('\n');
        var at = 0;
        foreach (var line in expected.Split('\n').Where(line => line.Trim() is not ("" or "…")))
        {
            var pattern = new Regex(Regex.Escape(line.Trim()).Replace("…", ".*", StringComparison.Ordinal));
            var found = Array.FindIndex(lines, at, pattern.IsMatch);
            Assert.True(found >= 0, $"{place}: this line does not follow in the output: {line}\n--- output\n{output}");
            at = found + 1;
        }
    }
}
