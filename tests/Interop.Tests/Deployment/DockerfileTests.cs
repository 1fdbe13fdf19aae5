using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Matih.Fixtures;

namespace Matih.Interop.Tests.Deployment;

/// <summary>What the image is: small rights, no secrets, and only what the build needs of the working tree.</summary>
public sealed partial class DockerfileTests
{
    private readonly Dockerfile _file = Dockerfile.Read();

    [Fact]
    public void The_image_runs_as_a_number_that_is_not_root()
    {
        var user = _file.Only("USER").Split(':');

        Assert.All(user, part => Assert.True(int.TryParse(part, out var number) && number > 0, $"USER is {string.Join(':', user)}"));
        Assert.Equal(_file.Final.Count - 1, IndexOf("ENTRYPOINT"));
        Assert.DoesNotContain(_file.Final, item => item.Name is "RUN" or "ADD");
    }

    [Fact]
    public void All_that_is_written_goes_to_the_one_volume_which_belongs_to_the_user()
    {
        var volume = _file.Only("VOLUME");

        Assert.Equal(volume, _file.Environment["MATIH_STATE_DIR"]);
        Assert.Equal(volume, _file.Environment["TMPDIR"]);
        Assert.Contains(_file.Final, item => item.Name == "COPY" && item.Arguments.Contains($"--chown={_file.Only("USER")} ", StringComparison.Ordinal) && item.Arguments.EndsWith($" {volume}", StringComparison.Ordinal));
        // The default warehouse lies below the working folder, and must not be kept where it would be deleted with the container.
        Assert.DoesNotContain(_file.Only("WORKDIR"), volume, StringComparison.Ordinal);
    }

    [Fact]
    public void The_program_is_what_starts_is_signalled_and_asked_for_its_health()
    {
        var program = JsonDocument.Parse(_file.Only("ENTRYPOINT")).RootElement.EnumerateArray().Select(item => item.GetString()!).ToArray();
        var check = _file.Only("HEALTHCHECK");

        Assert.Equal(["/opt/matih/matih"], program);
        Assert.Contains($"CMD [\"{program[0]}\", \"health\"]", check, StringComparison.Ordinal);
        Assert.Equal("SIGTERM", _file.Only("STOPSIGNAL"));
        Assert.Equal($"0.0.0.0:{_file.Only("EXPOSE")}", _file.Environment["MATIH_HEALTH"]);
    }

    [Fact]
    public void Everything_that_is_copied_exists_and_reaches_the_builder()
    {
        var admitted = File.ReadAllLines(Path.Combine(SourceTree.Root, ".dockerignore")).Where(line => line.StartsWith('!')).Select(line => line[1..]).Order().ToArray();
        var copied = _file.CopiesOfTree.SelectMany(copy => copy.Sources).Order().ToArray();

        Assert.All(copied, source => Assert.True(Path.Exists(Path.Combine(SourceTree.Root, source)), $"COPY names {source}, which does not exist."));
        Assert.Equal(admitted, copied);
        Assert.Equal("*", File.ReadAllLines(Path.Combine(SourceTree.Root, ".dockerignore")).First(line => line is not ['#', ..]));
    }

    [Fact]
    public void Everything_that_the_build_reads_is_copied()
    {
        var copied = _file.CopiesOfTree.SelectMany(copy => copy.Sources).Select(source => Path.GetFullPath(source, SourceTree.Root)).ToArray();

        var read = ReadBy(Path.Combine(SourceTree.Root, "src", "Host", "Host.csproj")).ToArray();

        Assert.Contains(read, path => path.EndsWith("Engine.csproj", StringComparison.Ordinal));
        Assert.Contains(read, path => path.EndsWith("realtime-clickstream.yaml", StringComparison.Ordinal));
        Assert.All(read, path => Assert.Contains(copied, source => path == source || path.StartsWith(source + "/", StringComparison.Ordinal)));
        Assert.All([".editorconfig", "Directory.Build.props", "Directory.Packages.props", "global.json", "build"], name => Assert.Contains(Path.Combine(SourceTree.Root, name), copied));
    }

    [Fact]
    public void Versions_are_those_of_the_repository()
    {
        var sdk = JsonDocument.Parse(File.ReadAllText(Path.Combine(SourceTree.Root, "global.json"))).RootElement.GetProperty("sdk").GetProperty("version").GetString()!;

        Assert.EndsWith($"/dotnet/sdk:{string.Join('.', sdk.Split('.')[..2])}", _file.Argument("SDK_IMAGE"), StringComparison.Ordinal);
        Assert.Equal(RepositoryVersion, _file.Argument("VERSION"));
    }

    [Fact]
    public void Nothing_in_it_is_a_secret()
    {
        var settings = _file.All.Where(item => item.Name is "ARG" or "ENV" or "LABEL").SelectMany(item => Name().Matches(item.Arguments)).Select(match => match.Value);

        Assert.DoesNotContain(settings, name => Secret().IsMatch(name));
        Assert.DoesNotContain(_file.All, item => item.Arguments.Contains("--mount=type=secret", StringComparison.Ordinal));
    }

    internal static string RepositoryVersion { get; } = XDocument.Load(Path.Combine(SourceTree.Root, "Directory.Build.props")).Descendants("VersionPrefix").Single().Value;

    private int IndexOf(string name) => _file.Final.ToList().FindIndex(item => item.Name == name);

    /// <summary>A project, those that it refers to, and the files beyond its own folder that it includes.</summary>
    private static IEnumerable<string> ReadBy(string project)
    {
        yield return project;
        foreach (var item in XDocument.Load(project).Descendants().Where(item => item.Attribute("Include") is not null))
        {
            var path = Path.GetFullPath(item.Attribute("Include")!.Value.Replace("$(MSBuildThisFileDirectory)", "", StringComparison.Ordinal), Path.GetDirectoryName(project)!);
            if (item.Name.LocalName == "ProjectReference")
                foreach (var further in ReadBy(path)) yield return further;
            else if (File.Exists(path)) yield return path;
        }
    }

    [GeneratedRegex("[A-Za-z_.]+(?==)")]
    private static partial Regex Name();

    [GeneratedRegex("password|secret|token|key|credential", RegexOptions.IgnoreCase)]
    private static partial Regex Secret();
}
