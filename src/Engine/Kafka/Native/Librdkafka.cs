using System.Runtime.InteropServices;

namespace Matih.Kafka.Native;

/// <summary>
/// One loaded librdkafka, 2.6.1 or later. It stays loaded for the life of the process; several versions can be loaded side
/// by side, each from its own path. Thread-safe.
/// </summary>
public sealed unsafe class Librdkafka
{
    /// <summary>
    /// The oldest version that is accepted, 2.6.1, as <c>rd_kafka_version()</c> gives it: 0xMMmmrrxx. Older ones skip records
    /// (before 2.1.0), do not compare leader epochs (before 2.1.0), fetch late into a queue that was full (before 2.2.0), know
    /// no topic ids (before 2.3.0), and cannot do SCRAM with Kafka 4.
    /// </summary>
    private const int VersionMin = 0x020601ff;
    private const string Remedy = "Keep the files beside the program that came with it, or set MATIH_LIBRDKAFKA to the path of a librdkafka of 2.6.1 or later.";

    private Librdkafka(LibrdkafkaNative native, string path)
    {
        Native = native;
        Path = path;
        Version = LibrdkafkaNative.Text(native.VersionText());
    }

    internal LibrdkafkaNative Native { get; }

    /// <summary>Where it was loaded from; the bare name where the system's loader found it.</summary>
    public string Path { get; }

    /// <summary>The version, e.g. <c>2.16.0</c>.</summary>
    public string Version { get; }

    /// <summary>
    /// Loads the library from <paramref name="path"/> (the setting <c>MATIH_LIBRDKAFKA</c>, which the host reads); where
    /// that is null or empty, the first that loads and is new enough of: the librdkafka.redist package's files, which come
    /// with the program, then the system's librdkafka.
    /// </summary>
    /// <exception cref="SourceException">None was found: the message lists what was tried.</exception>
    public static Librdkafka Load(string? path = null)
    {
        if (!string.IsNullOrEmpty(path)) return LoadGiven(path);
        var tried = new List<string>();
        foreach (var candidate in Candidates())
        {
            if (!NativeLibrary.TryLoad(candidate, out var handle))
            {
                tried.Add($"{candidate}: {(System.IO.Path.IsPathRooted(candidate) ? "cannot be loaded here" : "unknown to the system")}");
                continue;
            }
            if (Accept(handle, candidate, out var refusal) is { } library) return library;
            tried.Add($"{candidate}: {refusal}");
        }
        throw new SourceException(SourceErrorKind.Configuration, $"No usable librdkafka. {Remedy} Tried: {string.Join("; ", tried)}.");
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
            ?? throw new SourceException(SourceErrorKind.Configuration, $"The library at {path} (MATIH_LIBRDKAFKA) cannot be used: {refusal}. {Remedy}");
    }

    private static Librdkafka? Accept(nint handle, string path, out string refusal)
    {
        refusal = "it is not librdkafka";
        if (!NativeLibrary.TryGetExport(handle, "rd_kafka_version", out var version)) return null;
        if (RefusalOf(((delegate* unmanaged[Cdecl]<int>)version)()) is { } tooOld)
        {
            refusal = tooOld;
            return null;
        }
        return new Librdkafka(new LibrdkafkaNative(handle), path);
    }

    /// <summary>Why a version, as <c>rd_kafka_version()</c> gives it, is not used; null where it is.</summary>
    internal static string? RefusalOf(int version) =>
        version < VersionMin ? $"its version {version >> 24}.{(version >> 16) & 0xff}.{(version >> 8) & 0xff} is older than 2.6.1" : null;

    private static IEnumerable<string> Candidates()
    {
        var (packaged, installed) = FileNames(RuntimeInformation.RuntimeIdentifier);
        var folders = (AppContext.GetData("NATIVE_DLL_SEARCH_DIRECTORIES") as string ?? "").Split(System.IO.Path.PathSeparator, StringSplitOptions.RemoveEmptyEntries);
        var files = from folder in folders.Append(AppContext.BaseDirectory) from name in packaged select System.IO.Path.GetFullPath(name, folder);
        return files.Where(File.Exists).Distinct().Append(installed);
    }

    /// <summary>
    /// The package's files for a platform, best first, and the name under which a system has the library installed. Only files
    /// for the C library of the process: another one must not be loaded beside it.
    /// </summary>
    internal static (string[] Packaged, string Installed) FileNames(string runtimeIdentifier)
    {
        if (runtimeIdentifier.StartsWith("win", StringComparison.Ordinal)) return (["librdkafka.dll"], "librdkafka.dll");
        if (runtimeIdentifier.StartsWith("osx", StringComparison.Ordinal)) return (["librdkafka.dylib"], "librdkafka.dylib");
        // Alpine's own build of .NET has the system's name in place of "musl".
        var isMusl = runtimeIdentifier.Contains("musl", StringComparison.Ordinal) || runtimeIdentifier.StartsWith("alpine", StringComparison.Ordinal);
        // The first one has Kerberos, for which it needs libsasl2.so.3; the second one needs the C library alone.
        return (isMusl ? ["alpine-librdkafka.so"] : ["librdkafka.so", "centos8-librdkafka.so"], "librdkafka.so.1");
    }

    internal string Describe(int code) => LibrdkafkaNative.Text(Native.ErrorText(code));
}
