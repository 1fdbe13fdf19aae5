namespace Matih.Engine.Tests.Architecture;

/// <summary>The folders that a type's full name says, for namespaces follow folders.</summary>
internal static class TypeFolder
{
    /// <summary>The namespace's second part; empty for types beside the folders.</summary>
    public static string First(string type) => type.Split('.') is [_, var folder, _, ..] ? folder : "";

    /// <summary>The namespace's third part; empty for types that lie in the first folder itself.</summary>
    public static string Second(string type) => type.Split('.') is [_, _, var folder, _, ..] ? folder : "";
}
