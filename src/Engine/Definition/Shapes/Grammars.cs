using System.Text.RegularExpressions;

namespace Matih.Definition.Shapes;

/// <summary>A grammar of names: the pattern serves the reader and the JSON Schema alike.</summary>
internal sealed class Grammar(string pattern, int lengthMax, Regex regex, string words)
{
    public string Pattern { get; } = pattern;

    public int LengthMax { get; } = lengthMax;

    /// <summary>As it follows "expected".</summary>
    public string Words { get; } = words;

    // The end anchor also matches before a last line break, which no name may have.
    public bool Accepts(string text) => text.Length <= LengthMax && !text.EndsWith('\n') && regex.IsMatch(text);
}

/// <summary>The grammars of all names in a definition. Strict, because they become paths, refs, and quoted SQL.</summary>
internal static partial class Grammars
{
    private const string PipelinePattern = @"^(?!.*\.\.)[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9_])?$";
    private const string NamePattern = @"^[A-Za-z_][A-Za-z0-9_-]*$";
    private const string TopicPattern = @"^(?!\.{1,2}$)[A-Za-z0-9._-]+$";
    private const string GroupPattern = @"^[A-Za-z0-9._:/@+-]+$";
    private const string TablePattern = @"^[A-Za-z0-9_][A-Za-z0-9_-]{0,199}(\.[A-Za-z0-9_][A-Za-z0-9_-]{0,199})+$";
    private const string ColumnPattern = @"^(?!.*\.\.)[\p{L}_@$]([\p{L}\p{M}\p{Nd}_@$#.: -]*[\p{L}\p{M}\p{Nd}_@$#])?$";
    private const string PropertyPattern = @"^[a-z0-9][a-z0-9._-]*$";
    private const string KeyPattern = @"^[A-Za-z0-9]([A-Za-z0-9._/-]*[A-Za-z0-9])?$";
    private const string HeaderPattern = "^.+$";
    private const string SettingPattern = "^[A-Za-z][A-Za-z0-9 ]*$";
    private const string ExtensionPattern = "^(?!auth$)[A-Za-z]+$";
    private const string PortPattern = "0*([1-9][0-9]{0,3}|[1-5][0-9]{4}|6[0-4][0-9]{3}|65[0-4][0-9]{2}|655[0-2][0-9]|6553[0-5])";
    private const string AddressPattern = @"([A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(:" + PortPattern + ")?";
    private const string BootstrapPattern = @"^\s*" + AddressPattern + @"(\s*,\s*" + AddressPattern + @")*\s*$";

    public static Grammar Pipeline { get; } = new(PipelinePattern, 100, PipelineRegex(),
        "a name of at most 100 letters, digits, '-', '_' and '.', which begins with a letter or digit, does not end with '-' or '.', and has no '..'");

    public static Grammar Name { get; } = new(NamePattern, 64, NameRegex(),
        "a name of at most 64 letters, digits, '_' and '-', which begins with a letter or '_'");

    public static Grammar Topic { get; } = new(TopicPattern, 249, TopicRegex(), "a Kafka topic name (at most 249 letters, digits, '.', '_' and '-')");

    public static Grammar Group { get; } = new(GroupPattern, 249, GroupRegex(), "a consumer group name (at most 249 letters, digits and . _ - : / @ +)");

    public static Grammar Table { get; } = new(TablePattern, 255, TableRegex(),
        "a table name with its namespace, such as web.clicks (parts of at most 200 letters, digits, '_' and '-', joined by '.')");

    public static Grammar Column { get; } = new(ColumnPattern, 255, ColumnRegex(),
        "a column name of at most 255 letters, digits and _ @ $ # . : - or spaces, which begins with a letter, _, @ or $");

    public static Grammar Property { get; } = new(PropertyPattern, 100, PropertyRegex(), "a librdkafka property name (lower-case letters, digits, '.', '_' and '-')");

    public static Grammar Key { get; } = new(KeyPattern, 128, KeyRegex(), "a key of at most 128 letters, digits, '.', '_', '/' and '-'");

    public static Grammar Header { get; } = new(HeaderPattern, 249, HeaderRegex(), "a header's name of at most 249 characters");

    public static Grammar Setting { get; } = new(SettingPattern, 64, SettingRegex(), "a setting's name of at most 64 letters, digits and spaces");

    /// <summary>RFC 7628, section 3.1; <c>auth</c> is the token's own. librdkafka never authenticates with another, and says nothing.</summary>
    public static Grammar Extension { get; } = new(ExtensionPattern, 128, ExtensionRegex(), "a SASL extension's name (letters only, at most 128, and not 'auth')");

    public static Grammar Bootstrap { get; } = new(BootstrapPattern, 4096, BootstrapRegex(), "host:port (a port from 1 to 65535), or several separated by commas");

    [GeneratedRegex(PipelinePattern)]
    private static partial Regex PipelineRegex();

    [GeneratedRegex(NamePattern)]
    private static partial Regex NameRegex();

    [GeneratedRegex(TopicPattern)]
    private static partial Regex TopicRegex();

    [GeneratedRegex(GroupPattern)]
    private static partial Regex GroupRegex();

    [GeneratedRegex(TablePattern)]
    private static partial Regex TableRegex();

    [GeneratedRegex(ColumnPattern)]
    private static partial Regex ColumnRegex();

    [GeneratedRegex(PropertyPattern)]
    private static partial Regex PropertyRegex();

    [GeneratedRegex(KeyPattern)]
    private static partial Regex KeyRegex();

    [GeneratedRegex(HeaderPattern)]
    private static partial Regex HeaderRegex();

    [GeneratedRegex(SettingPattern)]
    private static partial Regex SettingRegex();

    [GeneratedRegex(ExtensionPattern)]
    private static partial Regex ExtensionRegex();

    [GeneratedRegex(BootstrapPattern)]
    private static partial Regex BootstrapRegex();
}
