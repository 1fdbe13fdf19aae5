using System.Collections.Immutable;
using Matih.Batches;
using Matih.Sql.Expressions;

namespace Matih.Sql.Binding;

/// <summary>What the names of one table mean: its columns, each as an expression over the source.</summary>
/// <param name="Table">The table's name.</param>
/// <param name="Star">What * stands for, in order.</param>
/// <param name="Hidden">Names that * does not give: record metadata.</param>
/// <param name="HasHeaders">Whether headers['name'] is available.</param>
internal sealed record NameScope(
    string Table, ImmutableArray<(string Name, Expression Value)> Star, ImmutableDictionary<string, Expression> Hidden, bool HasHeaders)
{
    /// <summary>The record's headers, which exist only by name.</summary>
    public const string Headers = "headers";

    /// <summary>Those of <see cref="Star"/> that nobody has named, and where they stand.</summary>
    public ImmutableArray<(string Name, ExpressionPlace Place)> Unnamed { get; init; } = [];

    private static readonly (string Name, RecordMetadata Part, DataType Type)[] Metadata =
    [
        ("value", RecordMetadata.Value, DataType.String),
        ("key", RecordMetadata.Key, DataType.String),
        ("topic", RecordMetadata.Topic, DataType.String.NotNull()),
        ("partition", RecordMetadata.Partition, new DataType.Int().NotNull()),
        ("offset", RecordMetadata.Offset, new DataType.BigInt().NotNull()),
        ("timestamp", RecordMetadata.Timestamp, new DataType.TimestampLtz(3)),
        ("timestamp_type", RecordMetadata.TimestampType, DataType.String.NotNull()),
        ("event_timestamp", RecordMetadata.EventTimestamp, new DataType.Timestamp(3)),
    ];

    public static NameScope Of(QueryInput input)
    {
        var star = ImmutableArray.CreateBuilder<(string, Expression)>();
        var hidden = ImmutableDictionary.CreateBuilder<string, Expression>(StringComparer.Ordinal);
        foreach (var field in input.Schema?.Fields ?? [])
            star.Add((field.Name, new Expression.Input(new InputColumn.SchemaField(field.Name, field.Type))));
        foreach (var (name, part, type) in input.HasRecordMetadata ? Metadata : [])
        {
            if (input.Schema is { } schema && schema.IndexOf(name) >= 0) continue;
            var column = new Expression.Input(new InputColumn.Metadata(part, type));
            if (input.Schema is null && part is RecordMetadata.Value or RecordMetadata.EventTimestamp) star.Add((name, column));
            else hidden[name] = column;
        }
        return new NameScope(input.Name, star.ToImmutable(), hidden.ToImmutable(), input.HasRecordMetadata && !(input.Schema?.IndexOf(Headers) >= 0));
    }

    public Expression? Find(string name)
    {
        foreach (var (field, value) in Star)
            if (field == name) return value;
        return Hidden.GetValueOrDefault(name);
    }

    /// <summary>Whether the name is one that * does not give.</summary>
    public bool IsHidden(string name) => Hidden.ContainsKey(name) && !Star.Any(column => column.Name == name);

    public IEnumerable<string> Names => Star.Select(column => column.Name).Concat(Hidden.Keys.Order(StringComparer.Ordinal));
}
