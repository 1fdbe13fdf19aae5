using System.Collections.Concurrent;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Matih.Connectors.Rest;
using Matih.Definition;
using Matih.Registry;
using Matih.Storage;

namespace Matih.Connectors.Registry;

/// <summary>
/// A registry that speaks the protocol of Confluent's. Of what it was asked by id it keeps the newest 10,000 schemas, and callers that
/// ask for the same one at once share a request. Thread-safe.
/// </summary>
/// <remarks>
/// Registries are eventually consistent: a producer may have registered a schema with one node and the reader ask another. An id
/// that nobody knows is therefore asked for again for five seconds before it counts as unknown. It stays so for five seconds,
/// then it is asked for once more, without patience. Records of an unknown schema cost no more than that.
/// </remarks>
public sealed class RegistryClient : ISchemaRegistry
{
    /// <summary>The longest answer, and the longest schema with all that it refers to.</summary>
    internal const int AnswerBytesMax = 10 << 20;

    internal const string GuidPath = "/schemas/guids/";

    private const int SchemaCountMax = 10_000;

    private static readonly TimeSpan UnknownPatienceMax = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan UnknownTime = TimeSpan.FromSeconds(5);

    private readonly RegistryRequests _requests;
    private readonly IIdSource _ids;
    private readonly TimeProvider _clock;
    private readonly TimeSpan _unknownPatienceMax;
    private readonly ConcurrentDictionary<SchemaKey, Entry> _entries = new();

    /// <summary>The keys of the entries, the oldest first; also the lock under which entries come and go.</summary>
    private readonly Queue<SchemaKey> _order = new();

    private RegistryClient(RegistryRequests requests, IIdSource ids, TimeProvider clock, TimeSpan unknownPatienceMax) =>
        (_requests, _ids, _clock, _unknownPatienceMax) = (requests, ids, clock, unknownPatienceMax);

    /// <summary>A question is asked again for a minute, and an answer waited for a third of that.</summary>
    private static CallLimits PatientLimits { get; } = new(TimeSpan.FromSeconds(60), TimeSpan.FromSeconds(20));

    /// <param name="limits">Null gives calls as long as a run may wait.</param>
    /// <param name="network">What a test plays; null for the real one. It must not follow redirects.</param>
    /// <exception cref="SchemaRegistryException">The definition's certificates cannot be used.</exception>
    public static RegistryClient Open(RegistryDefinition definition, IIdSource ids, TimeProvider clock, CallLimits? limits = null, HttpMessageHandler? network = null)
    {
        limits ??= PatientLimits;
        var redaction = new RedactedText(definition.Headers.Values);
        // Requests for tokens are sent again with those that need them.
        var parts = new RestParts(network ?? RestParts.CreateHandler(), _ => throw new NotSupportedException(), (_, _) => throw new NotSupportedException(), null) { Limits = limits with { AgainMax = TimeSpan.Zero } };
        var authentication = new RestAuthentications(parts, new HttpMessageInvoker(parts.Handler, disposeHandler: false), redaction, clock).Create(definition.Auth, null, definition.Headers);
        var http = new HttpMessageInvoker(network ?? HandlerOf(definition), disposeHandler: false);
        var client = new RestClient(http, $"schema registry {definition.Address}", authentication, definition.Headers, redaction, clock, limits, AnswerBytesMax);
        return new RegistryClient(
            new RegistryRequests(definition, client, redaction, ids, clock, limits.AgainMax), ids, clock, limits.AgainMax < UnknownPatienceMax ? limits.AgainMax : UnknownPatienceMax);
    }

    public ValueTask<RegisteredSchema?> FindAsync(SchemaKey key, CancellationToken cancellationToken)
    {
        var entry = EntryOf(key);
        if (entry.Schema is { } schema) return new(schema);
        return IsUnknown(entry) ? default : new(entry.Asking.RunAsync(cancellationToken));
    }

    public async Task<RegisteredSchema?> FindLatestAsync(string subject, CancellationToken cancellationToken)
    {
        var answer = await _requests.GetAsync($"{SubjectPath(subject, _requests.Name)}/versions/latest", cancellationToken);
        return answer is null ? null : await new ReferenceResolution(_requests, $"subject '{subject}'").ResolveAsync(answer, cancellationToken);
    }

    /// <summary>Where a subject is. One that is called <c>.</c> or <c>..</c> cannot be asked for: HTTP takes it as another path.</summary>
    internal static string SubjectPath(string subject, string name) => subject is "" or "." or ".."
        ? throw new SchemaRegistryException($"The {name} cannot be asked for a subject called '{subject}'. Give it another name.", isTransient: false)
        : $"/subjects/{Uri.EscapeDataString(subject)}";

    private bool IsUnknown(Entry entry) => entry.UnknownAt is { } at && _clock.GetElapsedTime(at) < UnknownTime;

    private Entry EntryOf(SchemaKey key)
    {
        if (_entries.TryGetValue(key, out var entry)) return entry;
        lock (_order)
        {
            if (_entries.TryGetValue(key, out entry)) return entry;
            if (_order.Count == SchemaCountMax) _entries.TryRemove(_order.Dequeue(), out _);
            _order.Enqueue(key);
            return _entries[key] = new Entry(own => AskAsync(key, own));
        }
    }

    private async Task<RegisteredSchema?> AskAsync(SchemaKey key, Entry entry)
    {
        // It may have been answered since the caller looked.
        if (entry.Schema is { } schema) return schema;
        if (IsUnknown(entry)) return null;
        var path = key.Guid == Guid.Empty ? $"/schemas/ids/{key.Id}" : $"{GuidPath}{key.Guid:D}";
        var startedAt = _clock.GetTimestamp();
        for (var round = 0; ; round++)
        {
            if (await _requests.GetAsync(path, CancellationToken.None) is { } answer)
            {
                if (key.Guid == Guid.Empty) answer = answer with { Id = key.Id };
                return entry.Schema = await new ReferenceResolution(_requests, $"{key}").ResolveAsync(answer, CancellationToken.None);
            }
            var pause = RequestRetry.PauseAfter(round, _ids);
            if (entry.UnknownAt is not null || _clock.GetElapsedTime(startedAt) + pause > _unknownPatienceMax)
            {
                entry.UnknownAt = _clock.GetTimestamp();
                return null;
            }
            await Task.Delay(pause, _clock, CancellationToken.None);
        }
    }

    private static SocketsHttpHandler HandlerOf(RegistryDefinition definition)
    {
        var handler = RestParts.CreateHandler();
        if (definition.Ca is not { } ca) return handler;
        // As .NET does without a policy, revocation is not looked up.
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        var shown = definition.IsCaText ? "The text" : $"The file {ca}";
        try
        {
            if (definition.IsCaText) policy.CustomTrustStore.ImportFromPem(ca);
            else policy.CustomTrustStore.ImportFromPemFile(ca);
        }
        catch (Exception e) when (e is CryptographicException or IOException or UnauthorizedAccessException)
        {
            throw Refused($"{shown} cannot be read as certificates: {e.Message.TrimEnd('.')}", e);
        }
        if (policy.CustomTrustStore.Count == 0) throw Refused($"{shown} holds no certificate", null);
        handler.SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = policy };
        return handler;

        SchemaRegistryException Refused(string problem, Exception? cause) =>
            new($"{problem}. Correct registries.{definition.Name}.ca: a PEM file with the certificates of the authorities to trust, or such text.", isTransient: false, cause);
    }

    /// <summary>What is known of one key.</summary>
    private sealed class Entry
    {
        private volatile RegisteredSchema? _schema;
        private long _unknownAt = long.MinValue;

        /// <param name="ask">Asks the registry for the key of the entry that it gets.</param>
        public Entry(Func<Entry, Task<RegisteredSchema?>> ask) => Asking = new SharedCall<RegisteredSchema?>(() => ask(this));

        public SharedCall<RegisteredSchema?> Asking { get; }

        public RegisteredSchema? Schema
        {
            get => _schema;
            set => _schema = value;
        }

        /// <summary>When the registry last said, after patience, that it does not know the key; null for never.</summary>
        public long? UnknownAt
        {
            get => Volatile.Read(ref _unknownAt) is > long.MinValue and var at ? at : null;
            set => Volatile.Write(ref _unknownAt, value ?? long.MinValue);
        }
    }
}
