using System.Collections.Immutable;
using Matih.Definition.Shapes;

namespace Matih.Definition.Format;

internal static class MetadataKeys
{
    public static readonly Key<string> Name = new("name", new NameShape(Grammars.Pipeline),
        "The pipeline's name. With the sink's name it is the key of the ledger in the table and part of a tag there: renaming a pipeline makes it another one.")
    {
        IsRequired = true,
        Example = "realtime-clickstream",
    };

    public static readonly Key<string?> Version = new("version", new TextShape("text")!, "The author's own version of the pipeline.");
    public static readonly Key<string?> Owner = new("owner", new TextShape("text")!, "Who to ask.");
    public static readonly Key<string?> Description = new("description", new TextShape("text", 10_000)!, "What it is for.");

    public static readonly Key<ImmutableArray<TextPair>> Labels = new("labels", new TextMapShape("a mapping of keys to text", Grammars.Key),
        "Key-value pairs for the operator's own use.") { Default = [] };

    public static readonly KeySet Set = new("metadata", "Who the pipeline is.", Name, Version, Owner, Description, Labels);
}
