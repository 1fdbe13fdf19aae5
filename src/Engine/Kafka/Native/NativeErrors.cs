namespace Matih.Kafka.Native;

/// <summary>The error codes of librdkafka (negative) and the Kafka protocol (positive) that reading treats differently from others.</summary>
/// <remarks>Source: rd_kafka_resp_err_t in rdkafka.h; Apache Kafka protocol guide, "Error Codes".</remarks>
internal static class NativeErrors
{
    public const int None = 0;
    public const int BadMessage = -199, BadCompression = -198, Transport = -195, Resolve = -193, PartitionEnd = -191;
    public const int UnknownPartition = -190, UnknownTopic = -188, AllBrokersDown = -187, TimedOut = -185, QueueFull = -184, Tls = -181;
    public const int WaitCoordinator = -180, Authentication = -169, NoOffset = -168, TimedOutInQueue = -166, UnsupportedFeature = -165;
    public const int AssignPartitions = -175, RevokePartitions = -174, Fatal = -150;
    public const int WaitCache = -164, Interrupted = -163, Partial = -158, MaxPollExceeded = -147, AutoOffsetReset = -140, LogTruncation = -139, DestroyBroker = -137;
    public const int OffsetOutOfRange = 1, UnknownTopicOrPartition = 3, LeaderNotAvailable = 5, NotLeader = 6, RequestTimedOut = 7;
    public const int BrokerNotAvailable = 8, ReplicaNotAvailable = 9, NetworkException = 13, CoordinatorLoading = 14;
    public const int CoordinatorNotAvailable = 15, NotCoordinator = 16, InvalidTopic = 17, TopicAuthorization = 29, GroupAuthorization = 30;
    public const int IllegalGeneration = 22, InconsistentGroupProtocol = 23, InvalidGroupId = 24, UnknownMember = 25, InvalidSessionTimeout = 26;
    public const int RebalanceInProgress = 27, MemberIdRequired = 79;
    public const int ClusterAuthorization = 31, UnsupportedSaslMechanism = 33, UnsupportedVersion = 35, StorageError = 56;
    public const int SaslAuthenticationFailed = 58, FencedLeaderEpoch = 74, UnknownLeaderEpoch = 75, OffsetNotAvailable = 78, UnstableOffsetCommit = 88;

    /// <summary>Whether librdkafka, or asking again, gets past the error without anyone's help and without skipping a record.</summary>
    public static bool IsTransient(int code) => code is
        Transport or Resolve or AllBrokersDown or TimedOut or WaitCoordinator or TimedOutInQueue or WaitCache or Interrupted or Partial or
        MaxPollExceeded or Tls or DestroyBroker or
        LeaderNotAvailable or NotLeader or RequestTimedOut or BrokerNotAvailable or ReplicaNotAvailable or NetworkException or
        CoordinatorLoading or CoordinatorNotAvailable or NotCoordinator or StorageError or FencedLeaderEpoch or UnknownLeaderEpoch or
        OffsetNotAvailable or UnstableOffsetCommit or
        IllegalGeneration or UnknownMember or RebalanceInProgress or MemberIdRequired;

    public static SourceErrorKind KindOf(int code) => code switch
    {
        Authentication or UnsupportedSaslMechanism or SaslAuthenticationFailed or Tls => SourceErrorKind.Authentication,
        TopicAuthorization or GroupAuthorization or ClusterAuthorization => SourceErrorKind.Authorization,
        UnknownTopic or UnknownTopicOrPartition or UnknownPartition or InvalidTopic => SourceErrorKind.UnknownTopic,
        InconsistentGroupProtocol or InvalidGroupId or InvalidSessionTimeout => SourceErrorKind.Configuration,
        UnsupportedFeature or UnsupportedVersion => SourceErrorKind.Unsupported,
        _ when IsTransient(code) => SourceErrorKind.Unreachable,
        _ => SourceErrorKind.Protocol,
    };
}
