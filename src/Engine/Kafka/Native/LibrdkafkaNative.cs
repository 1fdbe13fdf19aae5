using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace Matih.Kafka.Native;

/// <summary>
/// The entry points of one loaded librdkafka, as function pointers: which library that is, is decided at run time. Names and
/// layouts: rdkafka.h of 2.6.1 to 2.16.0; the public structs are the same in all of them.
/// </summary>
internal sealed unsafe class LibrdkafkaNative(nint library)
{
    public const int ProducerType = 0, ConsumerType = 1;

    /// <summary>RD_KAFKA_DESTROY_F_NO_CONSUMER_CLOSE: nothing to leave or commit, as no group is joined or it has been left already.</summary>
    public const int DestroyWithoutClose = 0x8;

    /// <summary>RD_KAFKA_EVENT_*: kinds of events that a queue hands over.</summary>
    public const int EventDelivery = 0x1, EventFetch = 0x2, EventLog = 0x4, EventError = 0x8, EventRebalance = 0x10, EventOffsetCommit = 0x20, EventStatistics = 0x40;

    public readonly delegate* unmanaged[Cdecl]<int> Version = (delegate* unmanaged[Cdecl]<int>)Export("rd_kafka_version", library);
    public readonly delegate* unmanaged[Cdecl]<byte*> VersionText = (delegate* unmanaged[Cdecl]<byte*>)Export("rd_kafka_version_str", library);
    public readonly delegate* unmanaged[Cdecl]<int, byte*> ErrorText = (delegate* unmanaged[Cdecl]<int, byte*>)Export("rd_kafka_err2str", library);
    public readonly delegate* unmanaged[Cdecl]<nint, void*, void> FreeMemory = (delegate* unmanaged[Cdecl]<nint, void*, void>)Export("rd_kafka_mem_free", library);
    public readonly delegate* unmanaged[Cdecl]<nint, nuint, void*> AllocateMemory = (delegate* unmanaged[Cdecl]<nint, nuint, void*>)Export("rd_kafka_mem_malloc", library);

    public readonly delegate* unmanaged[Cdecl]<nint> ConfNew = (delegate* unmanaged[Cdecl]<nint>)Export("rd_kafka_conf_new", library);
    public readonly delegate* unmanaged[Cdecl]<nint, void> ConfDestroy = (delegate* unmanaged[Cdecl]<nint, void>)Export("rd_kafka_conf_destroy", library);
    public readonly delegate* unmanaged[Cdecl]<nint, byte*, byte*, byte*, nuint, int> ConfSet = (delegate* unmanaged[Cdecl]<nint, byte*, byte*, byte*, nuint, int>)Export("rd_kafka_conf_set", library);
    public readonly delegate* unmanaged[Cdecl]<nint, byte*, byte*, nuint*, int> ConfGet = (delegate* unmanaged[Cdecl]<nint, byte*, byte*, nuint*, int>)Export("rd_kafka_conf_get", library);
    public readonly delegate* unmanaged[Cdecl]<nint, int, void> ConfSetEvents = (delegate* unmanaged[Cdecl]<nint, int, void>)Export("rd_kafka_conf_set_events", library);
    public readonly delegate* unmanaged[Cdecl]<nint, int, void> ConfEnableSaslQueue = (delegate* unmanaged[Cdecl]<nint, int, void>)Export("rd_kafka_conf_enable_sasl_queue", library);

    public readonly delegate* unmanaged[Cdecl]<int, nint, byte*, nuint, nint> New = (delegate* unmanaged[Cdecl]<int, nint, byte*, nuint, nint>)Export("rd_kafka_new", library);
    public readonly delegate* unmanaged[Cdecl]<nint, int, void> Destroy = (delegate* unmanaged[Cdecl]<nint, int, void>)Export("rd_kafka_destroy_flags", library);
    public readonly delegate* unmanaged[Cdecl]<nint, nint, int> SetLogQueue = (delegate* unmanaged[Cdecl]<nint, nint, int>)Export("rd_kafka_set_log_queue", library);
    public readonly delegate* unmanaged[Cdecl]<nint, nint> EnableBackgroundSasl = (delegate* unmanaged[Cdecl]<nint, nint>)Export("rd_kafka_sasl_background_callbacks_enable", library);
    public readonly delegate* unmanaged[Cdecl]<nint, int, byte*> ClusterId = (delegate* unmanaged[Cdecl]<nint, int, byte*>)Export("rd_kafka_clusterid", library);

    public readonly delegate* unmanaged[Cdecl]<nint, byte*> ErrorObjectText = (delegate* unmanaged[Cdecl]<nint, byte*>)Export("rd_kafka_error_string", library);
    public readonly delegate* unmanaged[Cdecl]<nint, int> ErrorObjectCode = (delegate* unmanaged[Cdecl]<nint, int>)Export("rd_kafka_error_code", library);
    public readonly delegate* unmanaged[Cdecl]<nint, void> ErrorObjectDestroy = (delegate* unmanaged[Cdecl]<nint, void>)Export("rd_kafka_error_destroy", library);

    public readonly delegate* unmanaged[Cdecl]<nint, nint> QueueNew = (delegate* unmanaged[Cdecl]<nint, nint>)Export("rd_kafka_queue_new", library);
    public readonly delegate* unmanaged[Cdecl]<nint, void> QueueDestroy = (delegate* unmanaged[Cdecl]<nint, void>)Export("rd_kafka_queue_destroy", library);
    public readonly delegate* unmanaged[Cdecl]<nint, nint> QueueOfMain = (delegate* unmanaged[Cdecl]<nint, nint>)Export("rd_kafka_queue_get_main", library);
    public readonly delegate* unmanaged[Cdecl]<nint, nint> QueueOfConsumer = (delegate* unmanaged[Cdecl]<nint, nint>)Export("rd_kafka_queue_get_consumer", library);
    public readonly delegate* unmanaged[Cdecl]<nint, byte*, int, nint> QueueOfPartition = (delegate* unmanaged[Cdecl]<nint, byte*, int, nint>)Export("rd_kafka_queue_get_partition", library);
    public readonly delegate* unmanaged[Cdecl]<nint, nint, void> QueueForward = (delegate* unmanaged[Cdecl]<nint, nint, void>)Export("rd_kafka_queue_forward", library);
    public readonly delegate* unmanaged[Cdecl]<nint, int, nint> QueuePoll = (delegate* unmanaged[Cdecl]<nint, int, nint>)Export("rd_kafka_queue_poll", library);
    public readonly delegate* unmanaged[Cdecl]<nint, nuint> QueueLength = (delegate* unmanaged[Cdecl]<nint, nuint>)Export("rd_kafka_queue_length", library);

    public readonly delegate* unmanaged[Cdecl]<nint, int> EventType = (delegate* unmanaged[Cdecl]<nint, int>)Export("rd_kafka_event_type", library);
    public readonly delegate* unmanaged[Cdecl]<nint, void> EventDestroy = (delegate* unmanaged[Cdecl]<nint, void>)Export("rd_kafka_event_destroy", library);
    public readonly delegate* unmanaged[Cdecl]<nint, int> EventErrorCode = (delegate* unmanaged[Cdecl]<nint, int>)Export("rd_kafka_event_error", library);
    public readonly delegate* unmanaged[Cdecl]<nint, byte*> EventErrorText = (delegate* unmanaged[Cdecl]<nint, byte*>)Export("rd_kafka_event_error_string", library);
    public readonly delegate* unmanaged[Cdecl]<nint, byte**, byte**, int*, int> EventLogLine = (delegate* unmanaged[Cdecl]<nint, byte**, byte**, int*, int>)Export("rd_kafka_event_log", library);
    public readonly delegate* unmanaged[Cdecl]<nint, byte*> EventStatisticsJson = (delegate* unmanaged[Cdecl]<nint, byte*>)Export("rd_kafka_event_stats", library);
    public readonly delegate* unmanaged[Cdecl]<nint, Message**, nuint, nuint> EventMessages = (delegate* unmanaged[Cdecl]<nint, Message**, nuint, nuint>)Export("rd_kafka_event_message_array", library);
    public readonly delegate* unmanaged[Cdecl]<nint, PartitionArray*> EventPartitions = (delegate* unmanaged[Cdecl]<nint, PartitionArray*>)Export("rd_kafka_event_topic_partition_list", library);

    public readonly delegate* unmanaged[Cdecl]<nint, int, Message**, nuint, nint> ConsumeBatch = (delegate* unmanaged[Cdecl]<nint, int, Message**, nuint, nint>)Export("rd_kafka_consume_batch_queue", library);
    public readonly delegate* unmanaged[Cdecl]<Message*, void> MessageDestroy = (delegate* unmanaged[Cdecl]<Message*, void>)Export("rd_kafka_message_destroy", library);

    /// <summary>Reads two fields of the message and takes no lock: short enough to go without a switch of the thread's GC mode.</summary>
    public readonly delegate* unmanaged[Cdecl, SuppressGCTransition]<Message*, int*, long> MessageTimestamp = (delegate* unmanaged[Cdecl, SuppressGCTransition]<Message*, int*, long>)Export("rd_kafka_message_timestamp", library);
    public readonly delegate* unmanaged[Cdecl]<Message*, nint*, int> MessageHeaders = (delegate* unmanaged[Cdecl]<Message*, nint*, int>)Export("rd_kafka_message_headers", library);
    public readonly delegate* unmanaged[Cdecl]<nint, byte*, void**, nuint*, int> HeaderLast = (delegate* unmanaged[Cdecl]<nint, byte*, void**, nuint*, int>)Export("rd_kafka_header_get_last", library);

    public readonly delegate* unmanaged[Cdecl]<nint, PartitionArray*, int> Assign = (delegate* unmanaged[Cdecl]<nint, PartitionArray*, int>)Export("rd_kafka_assign", library);
    public readonly delegate* unmanaged[Cdecl]<nint, PartitionArray**, int> Assignment = (delegate* unmanaged[Cdecl]<nint, PartitionArray**, int>)Export("rd_kafka_assignment", library);
    public readonly delegate* unmanaged[Cdecl]<int, PartitionArray*> PartitionsNew = (delegate* unmanaged[Cdecl]<int, PartitionArray*>)Export("rd_kafka_topic_partition_list_new", library);
    public readonly delegate* unmanaged[Cdecl]<PartitionArray*, void> PartitionsDestroy = (delegate* unmanaged[Cdecl]<PartitionArray*, void>)Export("rd_kafka_topic_partition_list_destroy", library);
    public readonly delegate* unmanaged[Cdecl]<PartitionArray*, byte*, int, PartitionEntry*> PartitionsAdd = (delegate* unmanaged[Cdecl]<PartitionArray*, byte*, int, PartitionEntry*>)Export("rd_kafka_topic_partition_list_add", library);
    public readonly delegate* unmanaged[Cdecl]<nint, PartitionArray*, int, int> OffsetsForTimes = (delegate* unmanaged[Cdecl]<nint, PartitionArray*, int, int>)Export("rd_kafka_offsets_for_times", library);
    public readonly delegate* unmanaged[Cdecl]<nint, PartitionArray*, int, int> Committed = (delegate* unmanaged[Cdecl]<nint, PartitionArray*, int, int>)Export("rd_kafka_committed", library);
    public readonly delegate* unmanaged[Cdecl]<nint, PartitionArray*, nint, nint, nint, int> CommitToQueue = (delegate* unmanaged[Cdecl]<nint, PartitionArray*, nint, nint, nint, int>)Export("rd_kafka_commit_queue", library);

    public readonly delegate* unmanaged[Cdecl]<nint, PartitionArray*, int> Subscribe = (delegate* unmanaged[Cdecl]<nint, PartitionArray*, int>)Export("rd_kafka_subscribe", library);
    public readonly delegate* unmanaged[Cdecl]<nint, int> AssignmentLost = (delegate* unmanaged[Cdecl]<nint, int>)Export("rd_kafka_assignment_lost", library);
    public readonly delegate* unmanaged[Cdecl]<nint, nint, nint> CloseToQueue = (delegate* unmanaged[Cdecl]<nint, nint, nint>)Export("rd_kafka_consumer_close_queue", library);
    public readonly delegate* unmanaged[Cdecl]<nint, int> IsClosed = (delegate* unmanaged[Cdecl]<nint, int>)Export("rd_kafka_consumer_closed", library);

    public readonly delegate* unmanaged[Cdecl]<nint, byte*, nint, nint> TopicNew = (delegate* unmanaged[Cdecl]<nint, byte*, nint, nint>)Export("rd_kafka_topic_new", library);
    public readonly delegate* unmanaged[Cdecl]<nint, void> TopicDestroy = (delegate* unmanaged[Cdecl]<nint, void>)Export("rd_kafka_topic_destroy", library);
    public readonly delegate* unmanaged[Cdecl]<nint, int, nint, Metadata**, int, int> GetMetadata = (delegate* unmanaged[Cdecl]<nint, int, nint, Metadata**, int, int>)Export("rd_kafka_metadata", library);
    public readonly delegate* unmanaged[Cdecl]<Metadata*, void> MetadataDestroy = (delegate* unmanaged[Cdecl]<Metadata*, void>)Export("rd_kafka_metadata_destroy", library);

    public readonly delegate* unmanaged[Cdecl]<nint, ProduceArgument*, nuint, nint> Produce = (delegate* unmanaged[Cdecl]<nint, ProduceArgument*, nuint, nint>)Export("rd_kafka_produceva", library);
    public readonly delegate* unmanaged[Cdecl]<nint, int> OutstandingCount = (delegate* unmanaged[Cdecl]<nint, int>)Export("rd_kafka_outq_len", library);
    public readonly delegate* unmanaged[Cdecl]<nint, int, nint> InitTransactions = (delegate* unmanaged[Cdecl]<nint, int, nint>)Export("rd_kafka_init_transactions", library);
    public readonly delegate* unmanaged[Cdecl]<nint, nint> BeginTransaction = (delegate* unmanaged[Cdecl]<nint, nint>)Export("rd_kafka_begin_transaction", library);
    public readonly delegate* unmanaged[Cdecl]<nint, int, nint> CommitTransaction = (delegate* unmanaged[Cdecl]<nint, int, nint>)Export("rd_kafka_commit_transaction", library);
    public readonly delegate* unmanaged[Cdecl]<nint, int, nint> AbortTransaction = (delegate* unmanaged[Cdecl]<nint, int, nint>)Export("rd_kafka_abort_transaction", library);

    public readonly delegate* unmanaged[Cdecl]<nint, int, nint> MockNew = (delegate* unmanaged[Cdecl]<nint, int, nint>)Export("rd_kafka_mock_cluster_new", library);
    public readonly delegate* unmanaged[Cdecl]<nint, void> MockDestroy = (delegate* unmanaged[Cdecl]<nint, void>)Export("rd_kafka_mock_cluster_destroy", library);
    public readonly delegate* unmanaged[Cdecl]<nint, byte*> MockBootstraps = (delegate* unmanaged[Cdecl]<nint, byte*>)Export("rd_kafka_mock_cluster_bootstraps", library);
    public readonly delegate* unmanaged[Cdecl]<nint, byte*, int, int, int> MockTopicCreate = (delegate* unmanaged[Cdecl]<nint, byte*, int, int, int>)Export("rd_kafka_mock_topic_create", library);
    public readonly delegate* unmanaged[Cdecl]<nint, int, int> MockBrokerDown = (delegate* unmanaged[Cdecl]<nint, int, int>)Export("rd_kafka_mock_broker_set_down", library);
    public readonly delegate* unmanaged[Cdecl]<nint, int, int> MockBrokerUp = (delegate* unmanaged[Cdecl]<nint, int, int>)Export("rd_kafka_mock_broker_set_up", library);
    public readonly delegate* unmanaged[Cdecl]<nint, short, nuint, int*, void> MockPushErrors = (delegate* unmanaged[Cdecl]<nint, short, nuint, int*, void>)Export("rd_kafka_mock_push_request_errors_array", library);

    public readonly delegate* unmanaged[Cdecl]<byte**, nuint, nint> TopicNames = (delegate* unmanaged[Cdecl]<byte**, nuint, nint>)Export("rd_kafka_TopicCollection_of_topic_names", library);
    public readonly delegate* unmanaged[Cdecl]<nint, void> TopicNamesDestroy = (delegate* unmanaged[Cdecl]<nint, void>)Export("rd_kafka_TopicCollection_destroy", library);
    public readonly delegate* unmanaged[Cdecl]<nint, nint, nint, nint, void> DescribeTopics = (delegate* unmanaged[Cdecl]<nint, nint, nint, nint, void>)Export("rd_kafka_DescribeTopics", library);
    public readonly delegate* unmanaged[Cdecl]<nint, nint> EventDescribeTopics = (delegate* unmanaged[Cdecl]<nint, nint>)Export("rd_kafka_event_DescribeTopics_result", library);
    public readonly delegate* unmanaged[Cdecl]<nint, nuint*, nint*> DescribedTopics = (delegate* unmanaged[Cdecl]<nint, nuint*, nint*>)Export("rd_kafka_DescribeTopics_result_topics", library);
    public readonly delegate* unmanaged[Cdecl]<nint, nint> TopicError = (delegate* unmanaged[Cdecl]<nint, nint>)Export("rd_kafka_TopicDescription_error", library);
    public readonly delegate* unmanaged[Cdecl]<nint, nint> TopicId = (delegate* unmanaged[Cdecl]<nint, nint>)Export("rd_kafka_TopicDescription_topic_id", library);
    public readonly delegate* unmanaged[Cdecl]<nint, long> UuidHigh = (delegate* unmanaged[Cdecl]<nint, long>)Export("rd_kafka_Uuid_most_significant_bits", library);
    public readonly delegate* unmanaged[Cdecl]<nint, long> UuidLow = (delegate* unmanaged[Cdecl]<nint, long>)Export("rd_kafka_Uuid_least_significant_bits", library);

    private static nint Export(string name, nint library) => NativeLibrary.GetExport(library, name);

    /// <summary>rd_kafka_message_t. For an error, Payload is its text.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Message
    {
        public int Error;
        public nint Topic;
        public int Partition;
        public byte* Payload;
        public nuint PayloadLength;
        public byte* Key;
        public nuint KeyLength;
        public long Offset;
        public nint Private;
    }

    /// <summary>rd_kafka_topic_partition_t.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct PartitionEntry
    {
        public byte* Topic;
        public int Partition;
        public long Offset;
        public byte* Metadata;
        public nuint MetadataLength;
        public nint Opaque;
        public int Error;
        public nint Private;
    }

    /// <summary>rd_kafka_topic_partition_list_t.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct PartitionArray
    {
        public int Count;
        public int Size;
        public PartitionEntry* Entries;
    }

    /// <summary>rd_kafka_metadata_t.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct Metadata
    {
        public int BrokerCount;
        public nint Brokers;
        public int TopicCount;
        public MetadataTopic* Topics;
        public int AnsweringBrokerId;
        public nint AnsweringBrokerName;
    }

    /// <summary>rd_kafka_metadata_topic_t.</summary>
    [StructLayout(LayoutKind.Sequential)]
    public struct MetadataTopic
    {
        public byte* Name;
        public int PartitionCount;
        public nint Partitions;
        public int Error;
    }

    /// <summary>rd_kafka_vu_t: a kind, and a union of 64 bytes.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 72)]
    public struct ProduceArgument
    {
        public const int TopicHandle = 2, PartitionNumber = 3, ValueBytes = 4, KeyBytes = 5, MessageFlags = 7, TimestampMillis = 8, Header = 9;

        [FieldOffset(0)] public int Kind;
        [FieldOffset(8)] public nint Handle;
        [FieldOffset(8)] public int Int32;
        [FieldOffset(8)] public long Int64;
        [FieldOffset(8)] public void* Pointer;
        [FieldOffset(16)] public nint Length;
        [FieldOffset(8)] public byte* HeaderName;
        [FieldOffset(16)] public void* HeaderValue;
        [FieldOffset(24)] public nint HeaderLength;
    }

    /// <summary>A string of the library's, or the empty string for a null pointer.</summary>
    [MethodImpl(MethodImplOptions.NoInlining)]
    public static string Text(byte* text) => Marshal.PtrToStringUTF8((nint)text) ?? "";
}

/// <summary>A zero-terminated UTF-8 copy of a string for the length of a native call.</summary>
internal readonly unsafe ref struct NativeText(string text)
{
    private readonly nint _memory = Marshal.StringToCoTaskMemUTF8(text);

    public byte* Pointer => (byte*)_memory;

    public void Dispose() => Marshal.FreeCoTaskMem(_memory);
}
