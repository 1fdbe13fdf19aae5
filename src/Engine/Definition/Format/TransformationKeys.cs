using Matih.Definition.Shapes;

namespace Matih.Definition.Format;

/// <summary>Keys of an item of <c>transformations:</c>.</summary>
internal static class TransformationKeys
{
    public static readonly Key<string> Name = new("name", new NameShape(Grammars.Name), "What later steps call the result; unlike every source's name.")
    {
        IsRequired = true,
        Example = "parse_events",
    };

    public static readonly Key<string> Type = new("type", new ChoiceShape<string>([("sql_transform", "sql_transform")]) { EndsMappingWhenNotYet = true }, "The kind of step.")
    {
        IsRequired = true,
        Example = "sql_transform",
    };

    public static readonly Key<string?> Input = new("input", new NameShape(Grammars.Name)!,
        "A source, or a transformation further up. May be left out where there is only one.");

    public static readonly Key<SqlText> Sql = new("sql", new SqlShape(),
        "One SELECT in the Flink SQL dialect over `{{ input }}`.")
    {
        IsRequired = true,
        Example = "SELECT * FROM {{ input }}",
    };

    public static readonly KeySet Set = new("transformations[]", "A SQL statement. Order matters: a step reads sources and steps above it.", Name, Type, Input, Sql);
}
