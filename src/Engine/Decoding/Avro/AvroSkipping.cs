namespace Matih.Decoding.Avro;

/// <summary>Steps that pass over what nobody wants. A record of fixed sizes is one step.</summary>
internal sealed class AvroSkipping
{
    private readonly Dictionary<AvroSchema.Record, RecordNode> _records = [];

    public AvroNode NodeFor(AvroSchema schema, string path) => schema switch
    {
        AvroSchema.Primitive primitive => NodeFor(primitive),
        AvroSchema.Enum => new LongNode(),
        AvroSchema.Fixed type => new BytesNode(type.Size),
        AvroSchema.Array array => new BlocksNode(NodeFor(array.Items, path + "[*]"), path),
        AvroSchema.Map map => new BlocksNode(new AvroRecordNode([new LengthNode(), NodeFor(map.Values, path + "[*]")], null), path),
        AvroSchema.Union union => new AvroUnionNode([.. union.Branches.Select(branch => NodeFor(branch, path))], path),
        AvroSchema.Record record => NodeFor(record, path),
        _ => throw new InvalidOperationException($"Unknown schema {schema}."),
    };

    private static AvroNode NodeFor(AvroSchema.Primitive type) => type.Kind switch
    {
        AvroSchema.PrimitiveKind.Null => new BytesNode(0),
        AvroSchema.PrimitiveKind.Boolean => new BytesNode(1),
        AvroSchema.PrimitiveKind.Float => new BytesNode(sizeof(float)),
        AvroSchema.PrimitiveKind.Double => new BytesNode(sizeof(double)),
        AvroSchema.PrimitiveKind.Int or AvroSchema.PrimitiveKind.Long => new LongNode(),
        _ => new LengthNode(),
    };

    /// <summary>One node for each record, so that one within itself has an end.</summary>
    private RecordNode NodeFor(AvroSchema.Record record, string path)
    {
        if (_records.TryGetValue(record, out var known)) return known;
        var node = _records[record] = new RecordNode(path);
        node.Steps = Sequence([.. record.Fields.Select(field => NodeFor(field.Type, $"{path}.{field.Name}"))]);
        return node;
    }

    /// <summary>The nodes, neighbours of fixed sizes as one.</summary>
    private static AvroNode[] Sequence(AvroNode[] nodes)
    {
        var steps = new List<AvroNode>();
        foreach (var node in nodes)
        {
            if (node is BytesNode next && steps is [.., BytesNode last]) steps[^1] = new BytesNode(last.Count + next.Count);
            else steps.Add(node);
        }
        return [.. steps];
    }

    private sealed class BytesNode(int count) : AvroNode
    {
        public int Count { get; } = count;

        public override void Read(ref AvroReader reader) => reader.Skip(Count);
    }

    private sealed class LongNode : AvroNode
    {
        public override void Read(ref AvroReader reader) => reader.ReadLong();
    }

    private sealed class LengthNode : AvroNode
    {
        public override void Read(ref AvroReader reader) => reader.ReadBytes();
    }

    private sealed class RecordNode(string path) : AvroNode
    {
        /// <summary>A list that is a record within itself can be as deep as the record is long.</summary>
        private const int DepthMax = 1000;

        [ThreadStatic]
        private static int _depth;

        public AvroNode[] Steps { get; set; } = [];

        public override void Read(ref AvroReader reader)
        {
            if (++_depth > DepthMax) reader.Fail($"field {path}: values lie more than {DepthMax} levels deep");
            else foreach (var step in Steps) step.Read(ref reader);
            _depth--;
        }
    }

    private sealed class BlocksNode(AvroNode item, string path) : AvroNode
    {
        public override void Read(ref AvroReader reader)
        {
            var empty = 0;
            for (var count = reader.ReadBlock(out var lengthBytes); count != 0 && !reader.HasFailed; count = reader.ReadBlock(out lengthBytes))
            {
                if (lengthBytes >= 0) reader.Skip(lengthBytes);
                else AvroBlocks.ReadItems(ref reader, count, item, path, ref empty);
            }
        }
    }
}
