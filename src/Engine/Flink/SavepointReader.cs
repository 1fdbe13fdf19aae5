using System.Collections.Immutable;
using System.Text;

namespace Matih.Flink;

/// <summary>
/// Reads the positions of Kafka sources and the state of Iceberg's committers out of a savepoint's own files. The shapes are
/// those of the Kafka connector 3.4 (<c>KafkaPartitionSplitSerializer</c> version 0) and of Iceberg 1.11
/// (<c>IcebergFilesCommitter</c>); any other is refused.
/// </summary>
/// <param name="readFile">Gives a file of the savepoint's folder by its name; null where there is none.</param>
public sealed class SavepointReader(Func<string, CancellationToken, ValueTask<byte[]?>> readFile)
{
    public const string MetadataFile = "_metadata";

    private const string SplitsState = "SourceReaderState";
    private const string JobState = "iceberg-flink-job-id";
    private const string FilesState = "iceberg-files-committer-state";

    /// <summary><c>OperatorBackendSerializationProxy</c>.</summary>
    private const int BackendVersion = 6;

    private const int SplitVersion = 0;
    private const int ManifestsVersion = 2;

    /// <summary>Whether a file <c>_metadata</c> begins as Flink's do, whatever version and kind of job it is of.</summary>
    public static bool HasMark(ReadOnlySpan<byte> metadata) => SavepointMetadata.HasMark(metadata);

    private readonly Dictionary<string, byte[]> _files = [];

    /// <exception cref="FormatException">It is none, not whole, or has another version or shape.</exception>
    public async ValueTask<Savepoint> ReadAsync(CancellationToken cancellationToken)
    {
        var metadata = SavepointMetadata.Read(await FileAsync(MetadataFile, cancellationToken), MetadataFile);
        var positions = ImmutableArray.CreateBuilder<SavepointPosition>();
        var committers = ImmutableArray.CreateBuilder<SavepointCommitter>();
        var jobs = new HashSet<string>(StringComparer.Ordinal);
        foreach (var part in metadata.Operators)
        {
            foreach (var state in part.States)
            {
                var data = await OpenAsync(state, cancellationToken);
                if (state.Lists.TryGetValue(SplitsState, out var splits))
                {
                    RequireOnly(part, state, SplitsState);
                    foreach (var offset in splits) positions.Add(ReadSplit(data.From(offset)));
                }
                else
                {
                    RequireOnly(part, state, JobState, FilesState);
                    var (committer, job) = ReadCommitter(part.Id, state, data);
                    committers.Add(committer);
                    jobs.Add(job);
                }
            }
        }
        if (positions.GroupBy(position => (position.Topic, position.Partition)).FirstOrDefault(group => group.Count() > 1) is { Key: var (topic, partition) })
            throw new FormatException($"The savepoint holds partition {partition} of topic '{topic}' twice: more than one source of the job reads it.");
        if (jobs.Count != 1) throw new FormatException(jobs.Count == 0 ? "The savepoint holds no committer of a table: it is of another kind of job." : $"The savepoint holds committers of several jobs: {string.Join(", ", jobs.Order(StringComparer.Ordinal))}.");
        return new Savepoint(metadata.CheckpointId, jobs.Single(), [.. positions.OrderBy(position => position.Topic, StringComparer.Ordinal).ThenBy(position => position.Partition)], committers.ToImmutable());
    }

    private async ValueTask<byte[]> FileAsync(string name, CancellationToken cancellationToken)
    {
        if (_files.TryGetValue(name, out var known)) return known;
        return _files[name] = await readFile(name, cancellationToken) ?? throw new FormatException($"The savepoint has no file {name}.");
    }

    private async ValueTask<JavaData> OpenAsync(OperatorState state, CancellationToken cancellationToken)
    {
        var name = state.Handle.FileName ?? MetadataFile;
        var data = new JavaData(state.Handle.Bytes ?? await FileAsync(name, cancellationToken), name);
        var head = data.From(0);
        if (head.Int() is not BackendVersion and var version) throw head.Unknown($"operator state of version {version}");
        if (head.Byte() != 0) throw head.Unknown("compressed operator state");
        return data;
    }

    private static void RequireOnly(SavepointOperator part, OperatorState state, params string[] names)
    {
        if (state.Lists.Keys.Except(names).FirstOrDefault() is { } other) throw new FormatException($"Operator {part.Id} of the savepoint keeps a state called '{other}', of which this program does not know what it holds.");
    }

    /// <summary>int length, then int version, int length, and the split: text topic, int partition, long start, long stop.</summary>
    private static SavepointPosition ReadSplit(JavaData data)
    {
        var element = new JavaData(data.Bytes(data.Int()), SplitsState);
        if (element.Int() is not SplitVersion and var version) throw element.Unknown($"a split of version {version}");
        var split = new JavaData(element.Bytes(element.Int()), SplitsState);
        var position = new SavepointPosition(split.Utf(), split.Int(), split.Long());
        if (split.Long() is not long.MinValue and var stop) throw split.Unknown($"a split that ends at offset {stop}");
        if (!split.IsAtEnd || !element.IsAtEnd) throw split.Unknown("more than a split");
        return position is { Partition: >= 0, NextOffset: >= 0 }
            ? position
            : throw new FormatException($"The savepoint says offset {position.NextOffset} of partition {position.Partition} of topic '{position.Topic}', which is no position.");
    }

    private static (SavepointCommitter Committer, string Job) ReadCommitter(string id, OperatorState state, JavaData data)
    {
        if (state.Lists.GetValueOrDefault(JobState, []) is not [var job] || state.Lists.GetValueOrDefault(FilesState, []) is not [var files])
            throw new FormatException($"Operator {id} of the savepoint keeps more or less than one list of files, or of job ids.");
        return (new SavepointCommitter(id, NewestWithFiles(data.From(files))), ReadText(data.From(job)));
    }

    /// <summary><c>StringSerializer</c>: length + 1, then each letter, as numbers of seven bits to a byte. A job id has letters of one byte only.</summary>
    private static string ReadText(JavaData data)
    {
        var length = data.Byte() - 1;
        var text = Encoding.ASCII.GetString(data.Bytes(length).Span);
        return length == 32 && text.All(char.IsAsciiHexDigitLower) ? text : throw data.Unknown("a job id");
    }

    /// <summary><c>SortedMapSerializer</c>: int count; each: long checkpoint, byte whether there is no value, int length, bytes.</summary>
    private static long? NewestWithFiles(JavaData data)
    {
        long? newest = null;
        for (var left = data.Count(); left > 0; left--)
        {
            var checkpoint = data.Long();
            if (data.Byte() != 0) throw data.Unknown("a checkpoint without a value");
            if (HasFiles(data.Bytes(data.Int()))) newest = Math.Max(newest ?? checkpoint, checkpoint);
        }
        return newest;
    }

    /// <summary>Nothing at all, or manifests of version 2: int version, int length, and three lengths of zero. Whatever else it is holds files.</summary>
    private static bool HasFiles(ReadOnlyMemory<byte> value)
    {
        if (value.IsEmpty) return false;
        var data = new JavaData(value, FilesState);
        return data.Int() != ManifestsVersion || data.Bytes(data.Int()).Span.ContainsAnyExcept((byte)0);
    }
}
