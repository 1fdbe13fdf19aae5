namespace Matih.Definition.Yaml;

/// <summary>What a definition may cost to read, so that a hostile file cannot exhaust the host.</summary>
internal static class YamlLimits
{
    /// <summary>Length of the file, in bytes of UTF-8.</summary>
    public const int FileBytesMax = 1 << 20;

    /// <summary>Levels of mappings and lists inside one another.</summary>
    public const int DepthMax = 32;

    /// <summary>Aliases (<c>*name</c>) in a file.</summary>
    public const int AliasCountMax = 64;

    /// <summary>Mappings, lists and scalars, each alias counted as everything that it stands for: this is what stops alias bombs.</summary>
    public const int NodeCountMax = 20_000;
}
