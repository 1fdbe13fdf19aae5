using System.Text;

namespace Matih.Json;

/// <summary>One step of a <see cref="JsonPath"/>.</summary>
internal abstract record JsonPathStep
{
    private JsonPathStep() { }

    /// <summary>The member of an object of exactly that name; of several, the last.</summary>
    public sealed record Member(string Name) : JsonPathStep
    {
        /// <summary>The name as it stands unescaped in a document.</summary>
        public ReadOnlyMemory<byte> NameUtf8 { get; } = Encoding.UTF8.GetBytes(Name);
    }

    /// <summary>An element of an array, counted from 0, or from the end where negative (-1 is the last).</summary>
    public sealed record Index(int Position) : JsonPathStep;

    /// <summary>Every element of an array, every member of an object.</summary>
    public sealed record Wildcard : JsonPathStep;
}
