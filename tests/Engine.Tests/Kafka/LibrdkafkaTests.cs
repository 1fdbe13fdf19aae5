using Processor = System.Runtime.InteropServices.Architecture;
using Matih.Kafka;
using Matih.Kafka.Native;

namespace Matih.Engine.Tests.Kafka;

/// <summary>Which library is loaded, and what it can do.</summary>
public sealed class LibrdkafkaTests
{
    [Theory]
    [InlineData("linux-x64", "librdkafka.so centos8-librdkafka.so", "librdkafka.so.1")]
    [InlineData("linux-arm64", "librdkafka.so centos8-librdkafka.so", "librdkafka.so.1")]
    [InlineData("debian.12-x64", "librdkafka.so centos8-librdkafka.so", "librdkafka.so.1")]
    [InlineData("linux-musl-x64", "alpine-librdkafka.so", "librdkafka.so.1")]
    [InlineData("alpine.3.22-arm64", "alpine-librdkafka.so", "librdkafka.so.1")]
    [InlineData("osx-arm64", "librdkafka.dylib", "librdkafka.dylib")]
    [InlineData("win-x64", "librdkafka.dll", "librdkafka.dll")]
    public void Files_are_those_for_the_platform_and_its_C_library(string runtimeIdentifier, string packaged, string installed)
    {
        var names = Librdkafka.FileNames(runtimeIdentifier);

        Assert.Equal(packaged, string.Join(' ', names.Packaged));
        Assert.Equal(installed, names.Installed);
    }

    [Fact]
    public void The_library_of_the_package_comes_before_the_systems()
    {
        Assert.SkipUnless(
            System.Runtime.InteropServices.RuntimeInformation.ProcessArchitecture is Processor.X64 or Processor.Arm64, "the package has no file for this processor");

        var library = Librdkafka.Load();

        Assert.StartsWith(AppContext.BaseDirectory, library.Path, StringComparison.Ordinal);
        Assert.Equal("2.16.0", library.Version);
    }

    [Fact]
    public void A_path_that_is_given_wins()
    {
        var packaged = Librdkafka.Load();
        using var folder = new CopiedFile(packaged.Path);

        Assert.Equal(folder.Path, Librdkafka.Load(folder.Path).Path);
    }

    [Fact]
    public void A_library_that_cannot_be_loaded_is_named()
    {
        var error = Assert.Throws<SourceException>(() => Librdkafka.Load("/nowhere/librdkafka.so.1"));

        Assert.Equal("Cannot load librdkafka from /nowhere/librdkafka.so.1 (MATIH_LIBRDKAFKA): there is no such file.", error.Message);
    }

    [Theory]
    [InlineData(0x020002ff, "its version 2.0.2 is older than 2.6.1")]
    [InlineData(0x020600ff, "its version 2.6.0 is older than 2.6.1")]
    [InlineData(0x020601ff, null)]
    [InlineData(0x021000ff, null)]
    public void A_version_that_is_too_old_is_refused(int version, string? refusal) => Assert.Equal(refusal, Librdkafka.RefusalOf(version));

    [Fact]
    public void A_library_that_is_another_is_refused()
    {
        var another = OperatingSystem.IsWindows() ? "kernel32.dll" : OperatingSystem.IsMacOS() ? "libSystem.dylib" : "libc.so.6";

        var error = Assert.Throws<SourceException>(() => Librdkafka.Load(another));

        Assert.Equal(
            $"The library at {another} (MATIH_LIBRDKAFKA) cannot be used: it is not librdkafka. " +
            "Keep the files beside the program that came with it, or set MATIH_LIBRDKAFKA to the path of a librdkafka of 2.6.1 or later.",
            error.Message);
    }

    /// <summary>Those that no test uses with a broker too: compression of records, and where tokens come from.</summary>
    [Theory]
    [InlineData("gzip")]
    [InlineData("snappy")]
    [InlineData("lz4")]
    [InlineData("zstd")]
    [InlineData("ssl")]
    [InlineData("sasl_plain")]
    [InlineData("sasl_scram")]
    [InlineData("sasl_oauthbearer")]
    [InlineData("oidc")]
    public unsafe void What_definitions_can_ask_for_is_built_into_the_library(string feature)
    {
        var native = MockTopic.Library.Native;
        var configuration = native.ConfNew();
        var text = stackalloc byte[512];
        nuint length = 512;
        using var property = new NativeText("builtin.features");

        var isKnown = native.ConfGet(configuration, property.Pointer, text, &length);
        native.ConfDestroy(configuration);

        Assert.Equal(0, isKnown);
        Assert.Contains(feature, LibrdkafkaNative.Text(text).Split(','));
    }

    /// <summary>A copy of a file in a folder of its own, gone at the end.</summary>
    private sealed class CopiedFile : IDisposable
    {
        private readonly string _folder = Directory.CreateTempSubdirectory("matih-").FullName;

        public CopiedFile(string file)
        {
            Path = System.IO.Path.Combine(_folder, System.IO.Path.GetFileName(file));
            File.Copy(file, Path);
        }

        public string Path { get; }

        public void Dispose() => Directory.Delete(_folder, recursive: true);
    }
}
