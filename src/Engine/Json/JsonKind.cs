namespace Matih.Json;

/// <summary>What stands at a place of a JSON document.</summary>
internal enum JsonKind : byte
{
    /// <summary>Nothing: the path leads nowhere.</summary>
    Missing,
    Null,
    False,
    True,
    Number,
    String,
    Object,
    Array,
}
