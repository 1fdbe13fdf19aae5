namespace Matih.Kafka.Native;

/// <summary>
/// One native client and its main queue, from which log lines, errors and statistics are taken while its owner polls or
/// asks. Errors that librdkafka gets past by itself only reach the log; a refused authentication is kept as a fault.
/// </summary>
internal sealed unsafe class ClientConnection : IDisposable
{
    private readonly LibrdkafkaNative _native;
    private readonly Librdkafka _library;
    private readonly IReadOnlyDictionary<string, string> _properties;
    private readonly KafkaLog? _log;
    private readonly Lock _draining = new();
    private nint _mainQueue;
    private nint _consumerQueue;
    private long _faultSequence;

    public ClientConnection(Librdkafka library, int type, IReadOnlyDictionary<string, string> properties, int events, bool refreshesTokens, KafkaLog? log)
    {
        _library = library;
        _native = library.Native;
        _properties = properties;
        _log = log;
        var configuration = _native.ConfNew();
        foreach (var (property, value) in properties)
        {
            if (Set(_native, configuration, property, value) is not { } problem) continue;
            _native.ConfDestroy(configuration);
            throw Misconfigured($"librdkafka {library.Version} refuses the property {property}: {problem}");
        }
        _native.ConfSetEvents(configuration, events);
        if (refreshesTokens) _native.ConfEnableSaslQueue(configuration, 1);

        var error = stackalloc byte[ErrorBytes];
        Handle = _native.New(type, configuration, error, ErrorBytes);
        if (Handle == 0)
        {
            _native.ConfDestroy(configuration);
            throw Misconfigured($"librdkafka {library.Version} refuses the settings: {LibrdkafkaNative.Text(error)}");
        }
        if (refreshesTokens) RefreshTokensInBackground();
        _mainQueue = _native.QueueOfMain(Handle);
        _native.SetLogQueue(Handle, 0);
        if (type == LibrdkafkaNative.ConsumerType) _consumerQueue = _native.QueueOfConsumer(Handle);
    }

    private const int ErrorBytes = 512;

    /// <summary>
    /// Why no consumer can be made with the properties, or null where one can; it is gone again at once. Unsecured tokens are
    /// made from their claims too: the first one is asked for before the client is handed out, and made while it is polled.
    /// </summary>
    public static string? Refusal(Librdkafka library, IReadOnlyDictionary<string, string> properties)
    {
        var native = library.Native;
        var configuration = native.ConfNew();
        var problem = properties.Select(property => Set(native, configuration, property.Key, property.Value)).FirstOrDefault(found => found is not null);
        native.ConfSetEvents(configuration, LibrdkafkaNative.EventError);
        var error = stackalloc byte[ErrorBytes];
        var handle = problem is null ? native.New(LibrdkafkaNative.ConsumerType, configuration, error, ErrorBytes) : 0;
        if (handle == 0)
        {
            native.ConfDestroy(configuration);
            return problem ?? LibrdkafkaNative.Text(error);
        }
        var refusal = properties.GetValueOrDefault("enable.sasl.oauthbearer.unsecure.jwt") == "true" ? TokenRefusal(native, handle) : null;
        native.Destroy(handle, LibrdkafkaNative.DestroyWithoutClose);
        return refusal;
    }

    /// <summary>Serves the request for the first token, and then takes the error that a wrong one leaves behind. Waits for nothing.</summary>
    private static string? TokenRefusal(LibrdkafkaNative native, nint handle)
    {
        string? refusal = null;
        var queue = native.QueueOfMain(handle);
        for (var i = 0; i < 2; i++)
        {
            while (native.QueuePoll(queue, 0) is not 0 and var item)
            {
                if (native.EventErrorCode(item) == NativeErrors.Authentication) refusal = LibrdkafkaNative.Text(native.EventErrorText(item));
                native.EventDestroy(item);
            }
        }
        native.QueueDestroy(queue);
        return refusal;
    }

    public nint Handle { get; private set; }

    /// <summary>The last refused authentication, with its likely cause.</summary>
    public string? Fault { get; private set; }

    /// <summary>Rises with every refused authentication.</summary>
    public long FaultSequence => Interlocked.Read(ref _faultSequence);

    /// <summary>The last error of a connection since a broker answered, for the message of a time-out.</summary>
    public string? LastTrouble { get; private set; }

    /// <summary>Whether no broker can be reached, as far as librdkafka has tried since the last answer.</summary>
    public bool IsCutOff { get; private set; }

    /// <summary>The group coordinator's last refusal; librdkafka tells it only once.</summary>
    public string? GroupFault { get; set; }

    public KafkaStatistics? LatestStatistics { get; private set; }

    /// <summary>Receives delivery reports.</summary>
    public Action<nint>? OnDelivery { get; init; }

    /// <summary>Answers a change of the group's assignment, which the group waits for.</summary>
    public Action<nint>? OnRebalance { get; init; }

    /// <summary>Sees every error, with its code and its text without secrets.</summary>
    public Action<int, string>? OnError { get; init; }

    /// <summary>Sets one property; the problem as librdkafka words it, or null.</summary>
    public static string? Set(LibrdkafkaNative native, nint configuration, string property, string value)
    {
        using var name = new NativeText(property);
        using var text = new NativeText(value);
        var error = stackalloc byte[ErrorBytes];
        if (native.ConfSet(configuration, name.Pointer, text.Pointer, error, ErrorBytes) != 0) return LibrdkafkaNative.Text(error);
        return IsCutNumber(native, configuration, name, value) ? $"Invalid value for configuration property \"{property}\": expected a whole number, digits only" : null;
    }

    /// <summary>Whether librdkafka has read a number from the beginning of the text alone, such as 1 from <c>1e+06</c>: it takes no notice of the rest.</summary>
    private static bool IsCutNumber(LibrdkafkaNative native, nint configuration, NativeText name, string value)
    {
        var buffer = stackalloc byte[ErrorBytes];
        nuint size = ErrorBytes;
        if (native.ConfGet(configuration, name.Pointer, buffer, &size) != 0) return false;
        const System.Globalization.NumberStyles Style = System.Globalization.NumberStyles.AllowLeadingSign;
        var culture = System.Globalization.CultureInfo.InvariantCulture;
        var read = LibrdkafkaNative.Text(buffer);
        return read != value && long.TryParse(read, Style, culture, out var taken) && !(long.TryParse(value, Style, culture, out var given) && given == taken);
    }

    /// <summary>A broker has answered: what kept the client from it is over.</summary>
    public void NoteAnswer()
    {
        LastTrouble = null;
        IsCutOff = false;
    }

    /// <summary>Takes what waits on the main queue. Returns at once, also where another thread is at it.</summary>
    public void Drain() => Serve(0);

    /// <summary>As <see cref="Drain"/>, but waits up to that many milliseconds for something to happen.</summary>
    public void Wait(int milliseconds) => Serve(milliseconds);

    /// <summary>As <see cref="Wait"/>, but for something on the consumer's queue, on which the group speaks.</summary>
    public void WaitForGroup(int milliseconds)
    {
        lock (_draining)
            if (_consumerQueue != 0 && _native.QueuePoll(_consumerQueue, milliseconds) is not 0 and var item) Take(item);
        Drain();
    }

    /// <summary>
    /// Leaves the group, and waits for that until the time is up. Its last words then come on the main queue. Only of a
    /// connection that has joined one.
    /// </summary>
    public void LeaveGroup(TimeProvider clock, TimeSpan waitMax)
    {
        var start = clock.GetTimestamp();
        var refusal = _native.CloseToQueue(Handle, _mainQueue);
        if (refusal != 0)
        {
            _log?.Invoke(new KafkaLogLine(4, "LEAVE", Redact(LibrdkafkaNative.Text(_native.ErrorObjectText(refusal)))));
            _native.ErrorObjectDestroy(refusal);
            return;
        }
        while (_native.IsClosed(Handle) == 0 && clock.GetElapsedTime(start) < waitMax) Wait(50);
    }

    /// <summary>Text of a native error with secrets taken out; "" for none.</summary>
    public string Redact(string text) => KafkaProperties.Redact(text, _properties);

    public string Describe(int code) => _library.Describe(code);

    /// <summary>Throws for an error object, which is destroyed, and does nothing for a null one.</summary>
    public void ThrowIfError(nint error, string doing)
    {
        if (error == 0) return;
        var (code, text) = (_native.ErrorObjectCode(error), Redact(LibrdkafkaNative.Text(_native.ErrorObjectText(error))));
        _native.ErrorObjectDestroy(error);
        throw new SourceException(NativeErrors.KindOf(code), $"Could not {doing}: {text}.");
    }

    public void Dispose()
    {
        if (Handle == 0) return;
        lock (_draining)
        {
            Drain();
            if (_consumerQueue != 0) _native.QueueDestroy(_consumerQueue);
            _native.QueueDestroy(_mainQueue);
            _consumerQueue = _mainQueue = 0;
            _native.Destroy(Handle, LibrdkafkaNative.DestroyWithoutClose);
            Handle = 0;
        }
    }

    /// <summary>
    /// Has tokens refreshed on librdkafka's own thread, also while back-pressure keeps everybody from polling. Refused where
    /// the library does so anyway.
    /// </summary>
    private void RefreshTokensInBackground()
    {
        var refusal = _native.EnableBackgroundSasl(Handle);
        if (refusal == 0) return;
        _log?.Invoke(new KafkaLogLine(7, "TOKEN", Redact(LibrdkafkaNative.Text(_native.ErrorObjectText(refusal)))));
        _native.ErrorObjectDestroy(refusal);
    }

    private void Serve(int milliseconds)
    {
        if (!_draining.TryEnter()) return;
        try
        {
            if (_mainQueue == 0) return;
            nint item;
            while ((item = _native.QueuePoll(_mainQueue, milliseconds)) != 0)
            {
                milliseconds = 0;
                Take(item);
            }
            while (_consumerQueue != 0 && (item = _native.QueuePoll(_consumerQueue, 0)) != 0) Take(item);
        }
        finally
        {
            _draining.Exit();
        }
    }

    private void Take(nint item)
    {
        try
        {
            switch (_native.EventType(item))
            {
                case LibrdkafkaNative.EventLog:
                    TakeLogLine(item);
                    break;
                case LibrdkafkaNative.EventError:
                    TakeError(_native.EventErrorCode(item), Redact(LibrdkafkaNative.Text(_native.EventErrorText(item))));
                    break;
                case LibrdkafkaNative.EventStatistics:
                    LatestStatistics = TakeStatistics(_native.EventStatisticsJson(item));
                    break;
                case LibrdkafkaNative.EventRebalance:
                    OnRebalance?.Invoke(item);
                    break;
                case LibrdkafkaNative.EventDelivery:
                    OnDelivery?.Invoke(item);
                    break;
                case LibrdkafkaNative.EventFetch:
                    // Every assigned partition is forwarded to a queue before it is fetched: this record would be lost.
                    throw new InvalidOperationException("A record came to a queue that nobody polls.");
            }
        }
        finally
        {
            _native.EventDestroy(item);
        }
    }

    private void TakeLogLine(nint item)
    {
        byte* facility, text;
        int level;
        if (_native.EventLogLine(item, &facility, &text, &level) != 0) return;
        var line = new KafkaLogLine(level, LibrdkafkaNative.Text(facility), Redact(LibrdkafkaNative.Text(text)));
        // No error is raised when a broker closes a connection: it is only logged.
        if (line.Facility == "FAIL") NoteTrouble(line.Text);
        _log?.Invoke(line);
    }

    private void TakeError(int code, string text)
    {
        // The errors of the single brokers have been reported; that these were all is no warning of its own.
        var level = code == NativeErrors.AllBrokersDown ? 6 : NativeErrors.IsTransient(code) ? 4 : 3;
        _log?.Invoke(new KafkaLogLine(level, "ERROR", text.Length == 0 ? _library.Describe(code) : text));
        if (code == NativeErrors.AllBrokersDown) IsCutOff = true;
        else if (code == NativeErrors.GroupAuthorization) GroupFault = text;
        else if (code is NativeErrors.Authentication or NativeErrors.SaslAuthenticationFailed or NativeErrors.UnsupportedSaslMechanism || IsRefusedCertificate(code, text))
        {
            Fault = text;
            Interlocked.Increment(ref _faultSequence);
        }
        else NoteTrouble(text);
        OnError?.Invoke(code, text);
    }

    private void NoteTrouble(string text) => LastTrouble = BrokerTrouble.Of(text).Show(_properties.GetValueOrDefault("bootstrap.servers", ""));

    /// <summary>A handshake also fails when a broker goes away in the middle; only a refused certificate needs somebody's help.</summary>
    private static bool IsRefusedCertificate(int code, string text) =>
        code == NativeErrors.Tls && (text.Contains("certificate", StringComparison.OrdinalIgnoreCase) || text.Contains("alert", StringComparison.OrdinalIgnoreCase));

    private static KafkaStatistics TakeStatistics(byte* json)
    {
        var length = 0;
        while (json[length] != 0) length++;
        return KafkaStatistics.Parse(new ReadOnlySpan<byte>(json, length));
    }

    private SourceException Misconfigured(string message) => new(SourceErrorKind.Configuration, $"{Redact(message).TrimEnd('.')}.");
}
