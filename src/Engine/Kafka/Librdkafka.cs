using System.Runtime.InteropServices;
using Matih.Kafka.Native;

namespace Matih.Kafka;

/// <summary>
/// One loaded librdkafka, 2.0.2 or later. It stays loaded for the life of the process; several versions can be loaded side
/// by side, each from its own path. Thread-safe.
/// </summary>
public sealed unsafe class Librdkafka
{
    /// <summary>The oldest version that is accepted, as <c>rd_kafka_version()</c> gives it: 0xMMmmrrxx.</summary>
    private const int VersionMin = 0x020002ff;
    private const string HowToInstall = "Install it (`apt-get install librdkafka1`), or set MATIH_LIBRDKAFKA to the path of a librdkafka.so.1 of 2.0.2 or later.";

    private Librdkafka(LibrdkafkaNative native, string path)
    {
        Native = native;
        Path = path;
        VersionNumber = native.Version();
        Version = LibrdkafkaNative.Text(native.VersionText());
    }

    internal LibrdkafkaNative Native { get; }

    /// <summary>Where it was loaded from; the bare name where the system's loader found it.</summary>
    public string Path { get; }

    /// <summary>The version for people, e.g. <c>2.0.2</c>.</summary>
    public string Version { get; }

    /// <summary>The version for comparisons: 0xMMmmrrxx, xx being ff for a release.</summary>
    public int VersionNumber { get; }

    /// <summary>Whether a topic's id can be asked for (since 2.3.0).</summary>
    public bool CanTellTopicIds => Native.CanTellTopicIds;

    /// <summary>Versions before 2.1.0 may skip records around a change of position: a forward jump must be looked at a second time.</summary>
    public bool MaySkipRecords => VersionNumber < 0x02010000;

    /// <summary>Versions before 2.6.1 repeat the client's nonce in SCRAM, which brokers since 3.8.1 and 4.0 refuse as invalid credentials.</summary>
    internal bool RepeatsScramNonce => VersionNumber < 0x02060100;

    /// <summary>The property that says how soon a full queue is looked at again: since 2.2.0.</summary>
    internal bool HasQueueBackoff => VersionNumber >= 0x02020000;

    /// <summary>
    /// Loads the library from <paramref name="path"/> (the setting <c>MATIH_LIBRDKAFKA</c>, which the host reads); where
    /// that is null or empty, the first that loads and is new enough of: the librdkafka.redist package's files beside the
    /// program, then the system's librdkafka.so.1.
    /// </summary>
    /// <exception cref="SourceException">None was found: the message lists what was tried.</exception>
    public static Librdkafka Load(string? path = null)
    {
        if (!string.IsNullOrEmpty(path)) return LoadGiven(path);
        var tried = new List<string>();
        foreach (var candidate in Candidates())
        {
            if (System.IO.Path.IsPathRooted(candidate) && !File.Exists(candidate))
            {
                tried.Add($"{candidate}: no such file");
                continue;
            }
            if (!NativeLibrary.TryLoad(candidate, out var handle))
            {
                tried.Add($"{candidate}: {(System.IO.Path.IsPathRooted(candidate) ? "cannot be loaded here" : "unknown to the system")}");
                continue;
            }
            if (Accept(handle, candidate, out var refusal) is { } library) return library;
            tried.Add($"{candidate}: {refusal}");
        }
        throw new SourceException(SourceErrorKind.Configuration, $"No usable librdkafka. {HowToInstall} Tried: {string.Join("; ", tried)}.");
    }

    private static Librdkafka LoadGiven(string path)
    {
        nint handle;
        try
        {
            handle = NativeLibrary.Load(path);
        }
        catch (Exception failure) when (failure is DllNotFoundException or BadImageFormatException)
        {
            var found = File.Exists(path) ? "it is no library that can be loaded here" : "there is no such file";
            throw new SourceException(SourceErrorKind.Configuration, $"Cannot load librdkafka from {path} (MATIH_LIBRDKAFKA): {found}.", failure);
        }
        return Accept(handle, path, out var refusal)
            ?? throw new SourceException(SourceErrorKind.Configuration, $"The library at {path} (MATIH_LIBRDKAFKA) cannot be used: {refusal}. {HowToInstall}");
    }

    private static Librdkafka? Accept(nint handle, string path, out string refusal)
    {
        refusal = "it is not librdkafka";
        if (!NativeLibrary.TryGetExport(handle, "rd_kafka_version", out var version)) return null;
        var number = ((delegate* unmanaged[Cdecl]<int>)version)();
        refusal = $"its version {number >> 24}.{(number >> 16) & 0xff}.{(number >> 8) & 0xff} is older than 2.0.2";
        return number < VersionMin ? null : new Librdkafka(new LibrdkafkaNative(handle), path);
    }

    /// <summary>The file names of the librdkafka.redist package, below its runtimes folder and beside a published program; then the system's.</summary>
    private static IEnumerable<string> Candidates()
    {
        var system = OperatingSystem.IsWindows() ? "win" : OperatingSystem.IsMacOS() ? "osx" : "linux";
        string[] names = system switch
        {
            "win" => ["librdkafka.dll"],
            "osx" => ["librdkafka.dylib"],
            _ => ["librdkafka.so", "centos8-librdkafka.so", "centos7-librdkafka.so", "centos6-librdkafka.so", "alpine-librdkafka.so"],
        };
        var runtime = $"{system}-{RuntimeInformation.ProcessArchitecture.ToString().ToLowerInvariant()}";
        var folders = new[] { System.IO.Path.Combine(AppContext.BaseDirectory, "runtimes", runtime, "native"), AppContext.BaseDirectory };
        foreach (var folder in folders.Where(Directory.Exists))
            foreach (var name in names.Where(name => File.Exists(System.IO.Path.Combine(folder, name)) || name == names[0]))
                yield return System.IO.Path.Combine(folder, name);
        yield return system switch { "win" => "librdkafka.dll", "osx" => "librdkafka.dylib", _ => "librdkafka.so.1" };
    }

    internal string Describe(int code) => LibrdkafkaNative.Text(Native.ErrorText(code));
}
